import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;

/** javac Gatepass.java Example.java && GATEPASS_CONTROL=http://localhost:9005 java Example */
public final class Example {
    public static void main(String[] arguments) throws Exception {
        var url = System.getenv().getOrDefault("GATEPASS_CONTROL", "http://localhost:9005");
        var gatepass = new Gatepass(url);

        gatepass.reset();
        var minted = gatepass.mint(
            "{\"token\":\"access\",\"client_id\":\"service-a\",\"claims\":{\"tenant\":\"north\"}}");
        check(minted.contains("\"tenant\":\"north\""), minted);

        check(gatepass.ofIssuer("default").state().contains("\"name\":\"default\""), "named");
        try {
            gatepass.ofIssuer("nobody").reset();
            throw new AssertionError("an unknown issuer is accepted");
        } catch (Gatepass.ControlException error) {
            check(error.body.contains("unknown_issuer"), error.getMessage());
        }

        gatepass.fault("{\"on\":\"jwks\",\"times\":1,\"do\":{\"status\":503}}");
        var issuer = gatepass.state().replaceAll("(?s).*\"issuer\":\"([^\"]*)\".*", "$1");
        var jwks = HttpRequest.newBuilder(URI.create(issuer + "/.well-known/jwks.json")).build();
        var http = HttpClient.newHttpClient();
        check(http.send(jwks, BodyHandlers.discarding()).statusCode() == 503, "the first fails");
        check(http.send(jwks, BodyHandlers.discarding()).statusCode() == 200, "the second succeeds");
        gatepass.verify(
            "{\"match\":{\"endpoint\":\"jwks\",\"status\":503},\"count\":{\"exactly\":1}}");

        String failed = null;
        try {
            gatepass.verify("{\"match\":{\"endpoint\":\"jwks\"},\"count\":{\"exactly\":9}}");
        } catch (AssertionError error) {
            failed = error.getMessage();
        }
        check(failed != null && failed.contains("\"matched\":2"), failed);

        try {
            gatepass.mint("{\"token\":\"access\",\"client_id\":\"nobody\"}");
            throw new AssertionError("an unknown client is accepted");
        } catch (Gatepass.ControlException error) {
            check(error.status == 404 && error.body.contains("/client_id"), error.getMessage());
        }
        gatepass.advance(3600);
        System.out.println("ok");
    }

    private static void check(boolean holds, String text) {
        if (!holds) {
            throw new AssertionError(text);
        }
    }
}
