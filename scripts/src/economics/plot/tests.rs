use kms_chain::DeployParams;

use super::{Panel, draw, short};
use crate::economics::model::{Kappa, Model};

fn picture() -> String {
    let params = DeployParams::local().unwrap();
    let model = |kappa| Model::new(&params, 60, 4, kappa).unwrap();
    let (off, on) = (model(Kappa::Off), model(Kappa::On));
    draw(&off, &[off.run().unwrap(), on.run().unwrap()])
}

#[test]
fn draws_both_curves_inside_the_picture() {
    let svg = picture();
    assert_eq!(svg.matches("<polyline").count(), 4);
    assert_eq!(svg.matches("<circle").count(), 2);
    for points in svg.split("points=\"").skip(1) {
        for point in points.split('"').next().unwrap().split(' ') {
            let (x, y) = point.split_once(',').unwrap();
            let (x, y): (f64, f64) = (x.parse().unwrap(), y.parse().unwrap());
            assert!(
                (80.0..=730.0).contains(&x) && (40.0..=620.0).contains(&y),
                "{point}"
            );
        }
    }
}

#[test]
fn is_the_same_every_time_and_well_formed() {
    let svg = picture();
    assert_eq!(svg, picture());
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
    assert!(!svg.contains("NaN") && !svg.contains("inf"));
    assert_eq!(svg.matches("<text").count(), svg.matches("</text>").count());
}

#[test]
fn puts_zero_at_the_bottom_and_the_end_at_the_right() {
    let panel = Panel {
        top: 10.0,
        top_value: 4.0,
        rows: 8.0,
    };
    assert_eq!((panel.y(0.0), panel.y(4.0)), (250.0, 10.0));
    assert_eq!((panel.x(0.0), panel.x(8.0)), (80.0, 730.0));
}

#[test]
fn shortens_numbers() {
    assert_eq!(short(2_723_000_000.0), "2.7 G");
    assert_eq!(short(8_170_000.0), "8.2 M");
    assert_eq!(short(4.0), "4");
}
