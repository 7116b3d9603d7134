//! The string classes of RFC 8264 for the current version of Unicode. The crate `precis-core` has
//! that of 2013, and counts every later character as unassigned.

use std::iter::once;

use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{DefaultIgnorableCodePoint, GeneralCategory},
};
use precis_core::{DerivedPropertyValue, FreeformClass, IdentifierClass, StringClass};
use unicode_normalization::UnicodeNormalization;

/// The characters of user names (RFC 8264 §4.2).
pub struct CurrentIdentifierClass;

/// The characters of passwords (RFC 8264 §4.3).
pub struct CurrentFreeformClass;

impl StringClass for CurrentIdentifierClass {
    fn get_value_from_char(&self, c: char) -> DerivedPropertyValue {
        let known = IdentifierClass::default().get_value_from_char(c);
        or_of_newer(known, c, DerivedPropertyValue::SpecClassDis)
    }

    fn get_value_from_codepoint(&self, cp: u32) -> DerivedPropertyValue {
        char::from_u32(cp).map_or(DerivedPropertyValue::Disallowed, |c| self.get_value_from_char(c))
    }
}

impl StringClass for CurrentFreeformClass {
    fn get_value_from_char(&self, c: char) -> DerivedPropertyValue {
        let known = FreeformClass::default().get_value_from_char(c);
        or_of_newer(known, c, DerivedPropertyValue::SpecClassPval)
    }

    fn get_value_from_codepoint(&self, cp: u32) -> DerivedPropertyValue {
        char::from_u32(cp).map_or(DerivedPropertyValue::Disallowed, |c| self.get_value_from_char(c))
    }
}

/// Returns the property of a character (RFC 8264 §8): the known one, or that of a character which
/// is newer than the crate. `in_class` is the property of those that only the freeform class has.
fn or_of_newer(
    known: DerivedPropertyValue,
    c: char,
    in_class: DerivedPropertyValue,
) -> DerivedPropertyValue {
    use GeneralCategory as Category;
    if known != DerivedPropertyValue::Unassigned {
        return known;
    }
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    if category == Category::Unassigned {
        return DerivedPropertyValue::Unassigned;
    }
    if CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c) {
        return DerivedPropertyValue::Disallowed;
    }
    let has_compatible = !once(c).nfkc().eq(once(c));
    match category {
        Category::Control | Category::Format | Category::Surrogate | Category::PrivateUse => {
            DerivedPropertyValue::Disallowed
        }
        Category::LineSeparator | Category::ParagraphSeparator => DerivedPropertyValue::Disallowed,
        _ if has_compatible => in_class,
        Category::UppercaseLetter
        | Category::LowercaseLetter
        | Category::OtherLetter
        | Category::ModifierLetter
        | Category::DecimalNumber
        | Category::NonspacingMark
        | Category::SpacingMark => DerivedPropertyValue::PValid,
        // Other letters and numbers, spaces, symbols and punctuation.
        _ => in_class,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn character_newer_than_the_crate_has_the_property_of_its_category() {
        use DerivedPropertyValue::{Disallowed, PValid, SpecClassDis, SpecClassPval, Unassigned};
        for (c, identifier, freeform) in [
            // Letters of Unicode 8 and 15.
            ('\u{2cc56}', PValid, PValid),
            ('\u{9fef}', PValid, PValid),
            ('\u{31350}', PValid, PValid),
            // Emoji of Unicode 8 and 12.
            ('\u{1f914}', SpecClassDis, SpecClassPval),
            ('\u{1f90d}', SpecClassDis, SpecClassPval),
            // An older one, which the crate knows.
            ('\u{1f600}', SpecClassDis, SpecClassPval),
            // A variation selector of Unicode 14, and a format control of Unicode 7.
            ('\u{180f}', Disallowed, Disallowed),
            ('\u{1bca0}', Disallowed, Disallowed),
            ('\u{e000}', Disallowed, Disallowed),
            ('\u{40000}', Unassigned, Unassigned),
        ] {
            assert_eq!(CurrentIdentifierClass.get_value_from_char(c), identifier, "{c:?}");
            assert_eq!(CurrentFreeformClass.get_value_from_char(c), freeform, "{c:?}");
        }
    }
}
