//! Actions of a user in the flow viewer.

use thirtyfour::WebElement;

use crate::{browser::Browser, servers::Servers};

impl Browser {
    pub async fn open_viewer(&self, servers: &Servers) {
        self.go(servers.viewer("/flows")).await;
        self.find_css("html[data-ready] #live[data-live=on]").await;
        self.find_css("[data-scenario]").await;
    }

    /// Presses the button of a scenario and waits until its flow is open with the result.
    pub async fn play(&self, scenario: &str) {
        self.press_scenario(scenario).await;
        self.find_css(&format!("#flows [data-name={scenario}] a[aria-current]")).await;
    }

    /// Presses the button of a scenario and waits for the result only, because its flow may have
    /// left the list.
    pub async fn press_scenario(&self, scenario: &str) {
        // Open details may take the place of the list.
        if self.find("detail").await.is_displayed().await.unwrap() {
            self.find("detail-close").await.click().await.unwrap();
        }
        let button = self.find_css(&format!("[data-scenario={scenario}]")).await;
        if !button.is_displayed().await.unwrap() {
            self.find_css(&format!("details.group:has([data-scenario={scenario}]) > summary"))
                .await
                .click()
                .await
                .unwrap();
        }
        self.press_in_view(&button).await;
        self.find_css(&format!("#scenario-result[data-scenario={scenario}][data-as-expected]"))
            .await;
    }

    /// Presses a line of the diagram.
    pub async fn press_line(&self, css: &str) {
        let line = self.find_css(&format!("#diagram .line{css}")).await;
        self.press_in_view(&line).await;
        self.find_css("#diagram .line[aria-pressed=true]").await;
    }

    /// Scrolls to an element and clicks it. The sticky header of the diagram could cover it.
    pub async fn press_in_view(&self, element: &WebElement) {
        let middle = "arguments[0].scrollIntoView({ block: 'center' })";
        self.0.execute(middle, vec![element.to_json().unwrap()]).await.unwrap();
        element.click().await.unwrap();
    }

    /// Returns the text of the element that a selector finds.
    pub async fn text_of(&self, css: &str) -> String {
        self.find_css(css).await.text().await.unwrap()
    }

    /// Returns whether a party is the owner of a secret, needs it, saw it or has never seen it.
    pub async fn holder_state(&self, secret: &str, method: &str, party: &str) -> String {
        let row = format!("#secrets [data-secret={secret}][data-method={method}]");
        self.find_css(&row).await;
        let cell = format!("{row} [data-party={party}]");
        let state = format!("document.querySelector('{cell}')?.dataset.state ?? 'not played'");
        self.evaluate(&state).await.as_str().unwrap().to_owned()
    }

    /// Opens the newest flow with this name from the list.
    pub async fn open_flow(&self, name: &str) {
        self.find_css(&format!("#flows [data-name={name}] a")).await.click().await.unwrap();
        self.find_css(&format!("#flows [data-name={name}] a[aria-current]")).await;
    }
}
