import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;

/**
 * Calls the control API of Gatepass, for tests. Needs Java 11 and no library, so bodies are JSON texts:
 * parse the responses with the library that your tests have.
 */
public final class Gatepass {
    /** The control API rejected a call. The message has the status and the JSON of the error. */
    public static final class ControlException extends IOException {
        public final int status;
        public final String body;

        ControlException(int status, String body) {
            super(status + " " + body);
            this.status = status;
            this.body = body;
        }
    }

    // The control listener is on this machine or in its network, so no proxy is for it.
    private final HttpClient http = HttpClient.newBuilder().proxy(HttpClient.Builder.NO_PROXY).build();
    private final String url;
    private final String token;
    private final String issuer;

    /** @param url that of the control listener, such as {@code http://localhost:9005} */
    public Gatepass(String url) {
        this(url, null);
    }

    /** @param token the value of the setting {@code control.token} */
    public Gatepass(String url, String token) {
        this(url, token, null);
    }

    private Gatepass(String url, String token, String issuer) {
        this.url = url.replaceAll("/+$", "");
        this.token = token;
        this.issuer = issuer;
    }

    /** Returns a client whose calls are for another issuer of the server, by its name or its URL. */
    public Gatepass ofIssuer(String issuer) {
        return new Gatepass(url, token, issuer);
    }

    /** Sends a request with a JSON body, or none, and returns the body of the response. */
    public String call(String method, String path, String json) throws IOException, InterruptedException {
        var body = json == null ? BodyPublishers.noBody() : BodyPublishers.ofString(json);
        var target = url + path;
        if (issuer != null) {
            var query = "issuer=" + URLEncoder.encode(issuer, StandardCharsets.UTF_8);
            target += (path.contains("?") ? "&" : "?") + query;
        }
        var request = HttpRequest.newBuilder(URI.create(target)).method(method, body);
        if (json != null) {
            request.header("Content-Type", "application/json");
        }
        if (token != null) {
            request.header("Authorization", "Bearer " + token);
        }
        var response = http.send(request.build(), BodyHandlers.ofString());
        if (response.statusCode() >= 400) {
            throw new ControlException(response.statusCode(), response.body());
        }
        return response.body();
    }

    /** Returns the state of the server. */
    public String state() throws IOException, InterruptedException {
        return call("GET", "/control", null);
    }

    /** Issues a token; the body is that of POST /control/tokens. */
    public String mint(String json) throws IOException, InterruptedException {
        return call("POST", "/control/tokens", json);
    }

    /** Takes an authorization URL to its redirect; the body is that of POST /control/logins. */
    public String logIn(String json) throws IOException, InterruptedException {
        return call("POST", "/control/logins", json);
    }

    /** Makes an endpoint fail; the body is that of POST /control/faults. */
    public String fault(String json) throws IOException, InterruptedException {
        return call("POST", "/control/faults", json);
    }

    /**
     * Asserts what the server received; the body is that of POST /control/requests/verify.
     *
     * @throws AssertionError with the number of matches and the nearest request
     */
    public String verify(String json) throws IOException, InterruptedException {
        try {
            return call("POST", "/control/requests/verify", json);
        } catch (ControlException error) {
            if (error.status != 422) {
                throw error;
            }
            throw new AssertionError("expected " + json + ", but found " + error.body);
        }
    }

    /** Moves the clock forward. */
    public String advance(long seconds) throws IOException, InterruptedException {
        return call("POST", "/control/clock/advance", "{\"seconds\":" + seconds + "}");
    }

    /** Sets the server back to its seed. */
    public void reset() throws IOException, InterruptedException {
        call("POST", "/control/reset", "{}");
    }
}
