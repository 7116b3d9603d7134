//! What somebody does at the flow viewer.

use serde_json::Value;
use thirtyfour::WebElement;

use crate::{browser::Screen, servers::World};

impl Screen {
    pub async fn watch(&self, world: &World) {
        self.go(world.viewer("/")).await;
        self.see("html[data-ready] #live[data-live=on]").await;
        self.see("[data-scenario]").await;
    }

    /// Press the button of a story, and wait until it is open with what came of it.
    pub async fn play(&self, story: &str) {
        self.press_story(story).await;
        self.see(&format!("#flows [data-name={story}] a[aria-current]")).await;
    }

    /// The same where its flow may not stay in the list, or has nothing to show.
    pub async fn press_story(&self, story: &str) {
        let button = self.see(&format!("[data-scenario={story}]")).await;
        if !button.is_displayed().await.unwrap() {
            self.see(&format!("details.group:has([data-scenario={story}]) > summary"))
                .await
                .click()
                .await
                .unwrap();
        }
        self.press_in_view(&button).await;
        self.see(&format!("#scenario-result[data-scenario={story}][data-as-expected]")).await;
    }

    /// Press a line of the picture.
    pub async fn press_line(&self, css: &str) {
        let line = self.see(&format!("#diagram .line{css}")).await;
        self.press_in_view(&line).await;
        self.see("#diagram .line[aria-pressed=true]").await;
    }

    /// The heads of the picture stay above it and would be pressed instead.
    pub async fn press_in_view(&self, element: &WebElement) {
        let middle = "arguments[0].scrollIntoView({ block: 'center' })";
        self.0.execute(middle, vec![element.to_json().unwrap()]).await.unwrap();
        element.click().await.unwrap();
    }

    /// The words of what a selector finds.
    pub async fn words_of(&self, css: &str) -> String {
        self.see(css).await.text().await.unwrap()
    }

    /// How often a way's party has held a secret, once that has been counted.
    pub async fn counted(&self, way: &str, party: &str, secret: &str) -> Value {
        let cell = format!("[data-method={way}] [data-party={party}] [data-secret={secret}]");
        self.see(&cell).await;
        self.measure(&format!("Number(document.querySelector('{cell}').dataset.count)")).await
    }
}
