use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use serde::Deserialize;

use super::{Refusal, refusal};
use crate::{
    app::App,
    stories::{Listed, Played, Story},
};

/// Nothing is asked for yet. A body in JSON is: no page of another site can send one by itself.
#[derive(Deserialize)]
pub struct Wishes {}

/// `GET /api/stories`: what can be played here.
pub async fn list(State(app): State<App>) -> Json<Vec<Listed>> {
    let Some(world) = &app.world else { return Json(Vec::new()) };
    Json(world.listed())
}

/// `POST /api/stories/{name}`: play one, and tell what should have happened and what did.
pub async fn play(
    State(app): State<App>,
    Path(name): Path<String>,
    Json(Wishes {}): Json<Wishes>,
) -> Result<Json<Played>, Refusal> {
    let refused = |why| refusal(StatusCode::NOT_FOUND, "not_found", why);
    let world = app
        .world
        .as_ref()
        .ok_or_else(|| refused("no stories are played here (setting `stories`)"))?;
    let story = Story::named(&name)
        .ok_or_else(|| refused("there is no such story; /api/stories lists them"))?;
    Ok(Json(world.play(story).await))
}
