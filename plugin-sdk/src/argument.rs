//! Typed values from commands and forms.

use crate::Error;
use crate::events::{Argument, ArgumentValue, Cashtag, FieldValue, Mention, SubmittedField, User};

/// A type that a command's argument can have.
///
/// `String` (any but `{x:number}`), whole and real numbers, `bool`, [`Mention`], [`Cashtag`], and `Option` of those
/// for `{name?}`.
pub trait FromArgument: Sized {
    /// Reads it; none where it does not fit or was not given.
    fn from_argument(value: Option<&ArgumentValue>) -> Option<Self>;
}

/// A type that a form's field can have.
///
/// `String` (texts, choices, dates, times), `f64` and whole numbers, `bool`, `Vec<String>` (choices,
/// conversations), `Vec<User>`, and `Option` of those for fields that may stay empty.
pub trait FromField: Sized {
    /// Reads it; none where it does not fit or was left empty.
    fn from_field(value: Option<&FieldValue>) -> Option<Self>;
}

/// Reads an argument by name.
pub fn argument<T: FromArgument>(
    arguments: &[Argument],
    name: &str,
    error: &'static str,
) -> Result<T, Error> {
    let found = arguments.iter().find(|argument| argument.name == name);
    T::from_argument(found.map(|argument| &argument.value)).ok_or_else(|| Error::failed(error))
}

/// Reads a field by id.
pub fn field<T: FromField>(
    fields: &[SubmittedField],
    id: &str,
    error: &'static str,
) -> Result<T, Error> {
    let found = fields.iter().find(|field| field.id == id);
    T::from_field(found.map(|field| &field.value)).ok_or_else(|| Error::failed(error))
}

impl FromArgument for String {
    fn from_argument(value: Option<&ArgumentValue>) -> Option<Self> {
        Some(match value? {
            ArgumentValue::Text(text) | ArgumentValue::Hashtag(text) => text.clone(),
            ArgumentValue::Integer(number) => number.to_string(),
            // Writing real numbers as text would add 20 KiB to every plugin.
            ArgumentValue::Number(_) => return None,
            ArgumentValue::Flag(flag) => if *flag { "true" } else { "false" }.to_owned(),
            ArgumentValue::Mention(mention) => mention.text.clone(),
            ArgumentValue::Cashtag(cashtag) => cashtag.ticker.clone(),
        })
    }
}

impl FromArgument for bool {
    fn from_argument(value: Option<&ArgumentValue>) -> Option<Self> {
        match value? {
            ArgumentValue::Flag(flag) => Some(*flag),
            _ => None,
        }
    }
}

impl FromArgument for Mention {
    fn from_argument(value: Option<&ArgumentValue>) -> Option<Self> {
        match value? {
            ArgumentValue::Mention(mention) => Some(mention.clone()),
            _ => None,
        }
    }
}

impl FromArgument for Cashtag {
    fn from_argument(value: Option<&ArgumentValue>) -> Option<Self> {
        match value? {
            ArgumentValue::Cashtag(cashtag) => Some(cashtag.clone()),
            _ => None,
        }
    }
}

impl FromArgument for f64 {
    fn from_argument(value: Option<&ArgumentValue>) -> Option<Self> {
        match value? {
            ArgumentValue::Number(number) => Some(*number),
            ArgumentValue::Integer(number) => Some(*number as f64),
            _ => None,
        }
    }
}

impl<T: FromArgument> FromArgument for Option<T> {
    fn from_argument(value: Option<&ArgumentValue>) -> Option<Self> {
        match value {
            None => Some(None),
            given => T::from_argument(given).map(Some),
        }
    }
}

impl FromField for String {
    fn from_field(value: Option<&FieldValue>) -> Option<Self> {
        match value? {
            FieldValue::Text(text)
            | FieldValue::Date(text)
            | FieldValue::Time(text)
            | FieldValue::Other(text) => Some(text.clone()),
            _ => None,
        }
    }
}

impl FromField for bool {
    // An unticked box may be left out of a submission.
    fn from_field(value: Option<&FieldValue>) -> Option<Self> {
        match value {
            None => Some(false),
            Some(FieldValue::Flag(flag)) => Some(*flag),
            Some(_) => None,
        }
    }
}

impl FromField for f64 {
    fn from_field(value: Option<&FieldValue>) -> Option<Self> {
        match value? {
            FieldValue::Number(number) => Some(*number),
            _ => None,
        }
    }
}

impl FromField for Vec<String> {
    fn from_field(value: Option<&FieldValue>) -> Option<Self> {
        match value {
            None => Some(Vec::new()),
            Some(FieldValue::Choices(list) | FieldValue::Conversations(list)) => Some(list.clone()),
            Some(_) => None,
        }
    }
}

impl FromField for Vec<User> {
    fn from_field(value: Option<&FieldValue>) -> Option<Self> {
        match value {
            None => Some(Vec::new()),
            Some(FieldValue::Users(users)) => Some(users.clone()),
            Some(_) => None,
        }
    }
}

impl<T: FromField> FromField for Option<T> {
    fn from_field(value: Option<&FieldValue>) -> Option<Self> {
        match value {
            None => Some(None),
            given => T::from_field(given).map(Some),
        }
    }
}

macro_rules! whole_numbers {
    ($($number:ty),*) => {$(
        impl FromArgument for $number {
            fn from_argument(value: Option<&ArgumentValue>) -> Option<Self> {
                match value? {
                    ArgumentValue::Integer(number) => <$number>::try_from(*number).ok(),
                    _ => None,
                }
            }
        }

        impl FromField for $number {
            fn from_field(value: Option<&FieldValue>) -> Option<Self> {
                match value? {
                    FieldValue::Number(number) if *number == number.trunc() => {
                        <$number>::try_from(*number as i64).ok()
                    }
                    _ => None,
                }
            }
        }
    )*};
}

whole_numbers!(i64, u64, i32, u32, i16, u16, u8, usize);
