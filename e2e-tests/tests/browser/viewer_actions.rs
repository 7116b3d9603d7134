//! Actions of a user in the flow viewer.

use serde_json::Value;
use thirtyfour::WebElement;

use crate::{browser::Browser, servers::Servers};

impl Browser {
    pub async fn open_viewer(&self, servers: &Servers) {
        self.go(servers.viewer("/")).await;
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

    /// Returns the number of messages in which a party received a secret, by method.
    pub async fn counted(&self, method: &str, party: &str, secret: &str) -> Value {
        let cell = format!("[data-method={method}] [data-party={party}] [data-secret={secret}]");
        self.find_css(&cell).await;
        self.evaluate(&format!("Number(document.querySelector('{cell}').dataset.count)")).await
    }
}
