use super::*;

fn paths(names: &[&str]) -> Vec<PathBuf> {
    names.iter().map(PathBuf::from).collect()
}

#[test]
fn one_input_goes_where_it_is_told_or_to_stdout() {
    for (inputs, output, expected) in [
        (vec![], None, ("-", "-")),
        (vec!["a"], None, ("a", "-")),
        (vec!["a"], Some("b"), ("a", "b")),
        (vec!["-"], Some("b"), ("-", "b")),
    ] {
        let jobs = jobs(&paths(&inputs), output.map(Path::new), encrypted_name).unwrap();
        let (input, output) = (expected.0.into(), expected.1.into());
        assert_eq!(jobs, [Job { input, output }]);
    }
}

#[test]
fn several_go_beside_themselves_or_into_a_folder() {
    let folder = tempfile::TempDir::new().unwrap();
    let outputs = |output: Option<&Path>| {
        let jobs = jobs(&paths(&["x/a", "x/b"]), output, encrypted_name).unwrap();
        jobs.into_iter().map(|job| job.output).collect::<Vec<_>>()
    };
    assert_eq!(outputs(None), paths(&["x/a.kms", "x/b.kms"]));
    let inside = |name| folder.path().join(name);
    assert_eq!(
        outputs(Some(folder.path())),
        [inside("a.kms"), inside("b.kms")]
    );
}

#[test]
fn refuses_what_has_no_place_of_its_own() {
    let folder = tempfile::TempDir::new().unwrap();
    let refused = |inputs: &[&str], output: Option<&Path>| {
        let jobs = jobs(&paths(inputs), output, encrypted_name);
        assert_eq!(jobs.unwrap_err().exit(), 2, "{inputs:?}");
    };
    refused(&["a", "b"], Some(Path::new("-")));
    refused(&["a", "b"], Some(&folder.path().join("absent")));
    refused(&["a", "-"], None);
    refused(&["a", "a"], None);
    refused(&["x/a", "y/a"], Some(folder.path()));
    refused(&["a", ".."], None);
}

#[test]
fn opened_files_lose_their_ending_and_must_have_it() {
    assert_eq!(opened_name(Path::new("x/a.mp4.kms")).unwrap(), "a.mp4");
    for name in ["a", "a.mp4", "kms", ".kms", "a.kms.part"] {
        assert!(opened_name(Path::new(name)).is_err(), "{name}");
    }
}
