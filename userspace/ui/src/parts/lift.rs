//! What lies above the rest: a soft edge around it, that looks like a shadow.
//!
//! iced has shadows, but its software renderer paints all of a shadow whatever part of the window is to be painted; where the rest is not
//! painted again it becomes darker each time. So this one is made of rings, which are painted like everything else.

use iced_core::border::{self, Border};
use iced_widget::container;

use crate::theme::style::RADIUS_LARGE;
use crate::{Color, Element, Theme};

/// Rings, the innermost first, by how much of the shadow's colour they have.
const RINGS: [f32; 6] = [0.55, 0.4, 0.28, 0.18, 0.1, 0.05];

/// Something with a soft edge around it; its corners are those of [`crate::style::raised`].
pub fn lifted<'a, Message: 'a>(content: impl Into<Element<'a, Message>>) -> Element<'a, Message> {
    RINGS.iter().enumerate().fold(content.into(), |inner, (number, &part)| {
        let ring = move |theme: &Theme| {
            let shadow = theme.colours().shadow;
            let color = Color { a: shadow.a * part, ..shadow };
            let radius = border::radius(RADIUS_LARGE + 1.0 + number as f32);
            container::Style { border: Border { color, width: 1.0, radius }, ..container::Style::default() }
        };
        container(inner).padding(1).style(ring).into()
    })
}
