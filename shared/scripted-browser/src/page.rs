/// A page as the server sent it. It is searched as text: our pages write every attribute in double
/// quotes.
#[derive(Clone, Debug, Default)]
pub struct Page {
    pub status: u16,
    pub html: String,
}

/// A form of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    pub action: String,
    pub hidden_fields: Vec<(String, String)>,
    /// Name and value of the button that was searched for, if it has a name.
    pub pressed: Option<(String, String)>,
}

impl Page {
    /// Whether an element has this id.
    pub fn has(&self, id: &str) -> bool {
        self.html.contains(&format!("id=\"{id}\""))
    }

    /// The text at the beginning of the element with this id.
    pub fn text(&self, id: &str) -> Option<String> {
        let after = self.html.split_once(&format!("id=\"{id}\""))?.1.split_once('>')?.1;
        Some(unescape(after.split_once('<')?.0.trim()))
    }

    /// The form with the button of this id.
    pub fn form_with_button(&self, id: &str) -> Option<Form> {
        let marker = format!("id=\"{id}\"");
        let html = self.forms().find(|form| form.contains(&marker))?;
        let mut form = Form::parse(html);
        let button = tags(html, "button").find(|tag| tag.contains(&marker));
        form.pressed = button.filter(|tag| tag.contains(" name=")).map(name_and_value);
        Some(form)
    }

    /// The first form of the page.
    pub fn first_form(&self) -> Option<Form> {
        self.forms().next().map(Form::parse)
    }

    fn forms(&self) -> impl Iterator<Item = &str> {
        self.html.split("<form").skip(1).filter_map(|rest| rest.split("</form>").next())
    }
}

impl Form {
    /// `html` is what follows `<form`.
    fn parse(html: &str) -> Self {
        let hidden = tags(html, "input").filter(|tag| tag.contains(" type=\"hidden\""));
        let action = attribute(html.split('>').next().unwrap_or_default(), "action");
        Self { action, hidden_fields: hidden.map(name_and_value).collect(), pressed: None }
    }
}

/// The attributes of each tag of this name.
fn tags<'a>(html: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let begin = format!("<{name}");
    let positions: Vec<usize> =
        html.match_indices(&begin).map(|(at, _)| at + begin.len()).collect();
    positions.into_iter().filter_map(|at| html[at..].split('>').next())
}

fn name_and_value(tag: &str) -> (String, String) {
    (attribute(tag, "name"), attribute(tag, "value"))
}

/// The value of an attribute, or an empty string.
fn attribute(tag: &str, name: &str) -> String {
    let after = tag.split_once(&format!(" {name}=\"")).map(|(_, after)| after).unwrap_or_default();
    unescape(after.split('"').next().unwrap_or_default())
}

/// Replaces the character references that the template engine writes.
pub fn unescape(html: &str) -> String {
    // `&amp;` last: `&amp;lt;` stands for `&lt;`.
    let references = [
        ("&quot;", "\""),
        ("&#x27;", "'"),
        ("&#x2f;", "/"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&amp;", "&"),
    ];
    references
        .iter()
        .fold(html.to_owned(), |text, (reference, character)| text.replace(reference, character))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_found_by_id() {
        let html = r#"<p class="a" id="name"> A &amp; &quot;B&quot; <b>bold</b></p>"#.to_owned();
        let page = Page { status: 200, html };
        assert!(page.has("name") && !page.has("nam"));
        assert_eq!(page.text("name").as_deref(), Some("A & \"B\""));
        assert_eq!(page.text("other"), None);
    }

    #[test]
    fn character_references_are_replaced_once() {
        assert_eq!(unescape("&amp;lt; &#x2f;&#x27;"), "&lt; /'");
    }

    #[test]
    fn form_is_parsed_with_attributes_in_any_order() {
        let html = r#"<p></p><form action="/a" method="post"><input value="1" name="x" type="hidden">
            <input type="text" name="y" value="2"><button id="go">go</button></form>"#;
        let page = Page { status: 200, html: html.to_owned() };
        let fields = vec![("x".to_owned(), "1".to_owned())];
        let form = Form { action: "/a".to_owned(), hidden_fields: fields, pressed: None };
        assert_eq!(page.first_form(), Some(form.clone()));
        assert_eq!(page.form_with_button("go"), Some(form));
        assert_eq!(page.form_with_button("other"), None);
    }
}
