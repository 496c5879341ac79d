//! Values against schemas.

use serde_json::Value;

/// References that may lead on to each other.
const HOPS: usize = 32;
/// Values that may stand in each other.
const DEPTH: usize = 64;

/// The schemas of a description.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schemas<'a>(pub(super) &'a Value);

impl<'a> Schemas<'a> {
    /// What a reference leads to, or the thing itself.
    pub(super) fn resolved<'b>(self, schema: &'b Value) -> &'b Value
    where
        'a: 'b,
    {
        let mut schema = schema;
        for _ in 0..HOPS {
            let reference = schema.get("$ref").and_then(Value::as_str);
            let Some(pointer) = reference.and_then(|it| it.strip_prefix('#')) else {
                return schema;
            };
            match self.0.pointer(pointer) {
                Some(found) => schema = found,
                None => return schema,
            }
        }
        schema
    }

    /// The members of an object, with those of all that it is made of.
    pub(super) fn members<'b>(self, schema: &'b Value) -> Vec<(String, &'b Value)>
    where
        'a: 'b,
    {
        let mut members = Vec::new();
        self.collect(schema, &mut members, 0);
        members
    }

    fn collect<'b>(self, schema: &'b Value, members: &mut Vec<(String, &'b Value)>, depth: usize)
    where
        'a: 'b,
    {
        let schema = self.resolved(schema);
        if depth > HOPS {
            return;
        }
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            members.extend(properties.iter().map(|(name, value)| (name.clone(), value)));
        }
        for part in parts(schema, "allOf") {
            self.collect(part, members, depth + 1);
        }
    }

    /// The names of members that an object must have.
    pub(super) fn required(self, schema: &Value) -> Vec<String> {
        let schema = self.resolved(schema);
        let own = schema.get("required").and_then(Value::as_array);
        let own = own
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned);
        let inner = parts(schema, "allOf")
            .iter()
            .flat_map(|part| self.required(part));
        own.chain(inner).collect()
    }

    /// What is wrong with a value.
    pub(super) fn check(self, schema: &Value, value: &Value, place: &str) -> Vec<String> {
        let mut complaints = Vec::new();
        self.look(schema, value, place, &mut complaints, 0);
        complaints
    }

    fn look(
        self,
        schema: &Value,
        value: &Value,
        place: &str,
        complaints: &mut Vec<String>,
        depth: usize,
    ) {
        let schema = self.resolved(schema);
        if depth > DEPTH {
            complaints.push(format!("{place} is nested too deep"));
            return;
        }
        if value.is_null() {
            if schema["nullable"] != true && schema["x-nullable"] != true {
                complaints.push(format!("{place} is null"));
            }
            return;
        }
        for kind in ["oneOf", "anyOf"] {
            let choices = parts(schema, kind);
            let fits = |choice: &Value| {
                let mut found = Vec::new();
                self.look(choice, value, place, &mut found, depth + 1);
                found.is_empty()
            };
            if !choices.is_empty() && !choices.iter().any(fits) {
                complaints.push(format!("{place} is none of what it may be"));
                return;
            }
        }
        if let Some(allowed) = schema.get("enum").and_then(Value::as_array)
            && !allowed.contains(value)
        {
            complaints.push(format!(
                "{place} is {value}, not one of {}",
                Value::from(allowed.clone())
            ));
        }
        let members = self.members(schema);
        let kind = schema.get("type").and_then(Value::as_str);
        let kind = kind.or((!members.is_empty()).then_some("object"));
        let is_right = match kind {
            Some("object") => value.is_object(),
            Some("array") => value.is_array(),
            Some("string") => value.is_string(),
            Some("boolean") => value.is_boolean(),
            Some("integer") => value.is_i64() || value.is_u64(),
            Some("number") => value.is_number(),
            _ => true,
        };
        if !is_right {
            complaints.push(format!(
                "{place} is {value}, not of type {}",
                kind.unwrap_or("")
            ));
            return;
        }
        self.limits(schema, value, place, complaints);
        match value {
            Value::Object(map) => {
                for name in self.required(schema) {
                    if !map.contains_key(&name) {
                        complaints.push(format!("{place}.{name} is missing"));
                    }
                }
                let more = schema.get("additionalProperties");
                for (name, inner) in map {
                    let place = format!("{place}.{name}");
                    match (members.iter().find(|(known, _)| known == name), more) {
                        (Some((_, schema)), _) => {
                            self.look(schema, inner, &place, complaints, depth + 1)
                        }
                        (None, Some(more @ Value::Object(_))) => {
                            self.look(more, inner, &place, complaints, depth + 1);
                        }
                        (None, Some(Value::Bool(true))) => {}
                        // An object of no members is one of any.
                        (None, _) if members.is_empty() => {}
                        (None, _) => complaints.push(format!("{place} is not described")),
                    }
                }
            }
            Value::Array(items) => {
                if let Some(schema) = schema.get("items") {
                    for (index, item) in items.iter().enumerate() {
                        self.look(
                            schema,
                            item,
                            &format!("{place}[{index}]"),
                            complaints,
                            depth + 1,
                        );
                    }
                }
            }
            _ => {}
        }
    }

    fn limits(self, schema: &Value, value: &Value, place: &str, complaints: &mut Vec<String>) {
        let limit = |name: &str| schema.get(name).and_then(Value::as_f64);
        let mut check = |found: f64, least: &str, most: &str| {
            if limit(least).is_some_and(|least| found < least)
                || limit(most).is_some_and(|most| found > most)
            {
                complaints.push(format!("{place} is outside of its limits"));
            }
        };
        #[expect(clippy::cast_precision_loss, reason = "limits are small")]
        match value {
            Value::String(text) => check(text.chars().count() as f64, "minLength", "maxLength"),
            Value::Array(items) => check(items.len() as f64, "minItems", "maxItems"),
            Value::Number(number) => check(number.as_f64().unwrap_or(0.0), "minimum", "maximum"),
            _ => {}
        }
        let is_small = schema.get("format").and_then(Value::as_str) == Some("int32");
        if is_small
            && value
                .as_i64()
                .is_some_and(|number| i32::try_from(number).is_err())
        {
            complaints.push(format!("{place} is too large for 32 bits"));
        }
    }
}

fn parts<'b>(schema: &'b Value, kind: &str) -> &'b [Value] {
    schema
        .get(kind)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}
