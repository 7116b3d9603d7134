pub const INSERT_PUSHED_REQUEST: &str = "INSERT INTO pushed_authorization_requests (hash, client_id, parameters, exp, browser) \
     VALUES ($1, $2, $3, $4, $5)";
/// The first visit binds the request to the browser and extends it.
pub const VISIT_PUSHED_REQUEST: &str = "UPDATE pushed_authorization_requests SET browser = $5, \
     exp = CASE WHEN browser IS NOT NULL OR exp > $1 THEN exp ELSE $1 END \
     WHERE hash = $2 AND client_id = $3 AND exp > $4 AND (browser IS NULL OR browser = $5) \
     RETURNING parameters, exp";
pub const DELETE_PUSHED_REQUEST: &str = "DELETE FROM pushed_authorization_requests WHERE hash = $1";
pub const USE_REQUEST_OBJECT: &str =
    "INSERT INTO used_request_objects (hash, exp) VALUES ($1, $2) ON CONFLICT DO NOTHING";
