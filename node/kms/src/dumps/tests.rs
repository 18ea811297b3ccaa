use rustix::process::getrlimit;

use super::*;

#[test]
fn no_dump_is_written_and_no_limit_is_raised_again() {
    forbid().unwrap();
    let limit = getrlimit(Resource::Core);
    assert_eq!((limit.current, limit.maximum), (Some(0), Some(0)));
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, dumpable_behavior};
        assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
    }
    forbid().unwrap();
}
