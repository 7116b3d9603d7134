pub const INSERT_PUSHED_REQUEST: &str = "INSERT INTO pushed_authorization_requests (hash, client_id, parameters, exp) \
     VALUES ($1, $2, $3, $4)";
/// The first visit extends the request.
pub const VISIT_PUSHED_REQUEST: &str = "UPDATE pushed_authorization_requests SET visited = TRUE, \
     exp = CASE WHEN visited OR exp > $1 THEN exp ELSE $1 END \
     WHERE hash = $2 AND client_id = $3 AND exp > $4 RETURNING parameters, exp";
pub const DELETE_PUSHED_REQUEST: &str = "DELETE FROM pushed_authorization_requests WHERE hash = $1";
