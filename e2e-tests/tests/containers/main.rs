//! The stories of the image: the `Dockerfile`'s last stage around a binary compiled here, alone and as
//! `docker-compose.yml` puts it together. Each story has containers, networks and volumes of its own.

mod binary;
mod calls;
mod condition;
mod engine;
mod image;
mod project;
mod start_order;

mod alone;
mod flow;
mod login;
mod logs;
mod outage;
mod stopping;
mod the_image;
mod volumes;
