package gatepass

import (
	"net/http"
	"os"
	"strings"
	"testing"
)

func control(t *testing.T) Control {
	url := os.Getenv("GATEPASS_CONTROL")
	if url == "" {
		url = "http://localhost:9005"
	}
	c := Control{URL: url}
	must(t, c.Reset())
	return c
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestTokenHasTheClaimsThatTheTestDemands(t *testing.T) {
	c := control(t)
	token, err := c.Mint(M{"token": "access", "client_id": "service-a", "claims": M{"tenant": "north"}})
	must(t, err)
	if token.Claims["tenant"] != "north" || token.Header["alg"] != "ES256" {
		t.Fatal(token.Header, token.Claims)
	}
}

func TestCallsAreForTheIssuerThatTheyName(t *testing.T) {
	c := control(t)
	c.Issuer = "default"
	_, err := c.State()
	must(t, err)
	c.Issuer = "nobody"
	if _, err := c.State(); err == nil || !strings.Contains(err.Error(), "unknown_issuer") {
		t.Fatal(err)
	}
}

func TestFaultIsOverAfterOneRequest(t *testing.T) {
	c := control(t)
	state, err := c.State()
	must(t, err)
	id, err := c.Fault("jwks", M{"status": 503}, 1)
	must(t, err)
	for _, status := range []int{503, 200} {
		response, err := http.Get(state.Issuer + "/.well-known/jwks.json")
		must(t, err)
		response.Body.Close()
		if response.StatusCode != status {
			t.Fatal(response.StatusCode, "is not", status)
		}
	}
	must(t, c.Verify(M{"endpoint": "jwks", "fault_id": id}, M{"exactly": 1}))
}

func TestRejectionNamesTheMember(t *testing.T) {
	_, err := control(t).Mint(M{"token": "access", "client_id": "service-a", "flaws": []string{"no_such_flaw"}})
	failure, isError := err.(*Error)
	if !isError || failure.Status != 400 || failure.Pointer != "/flaws/0" {
		t.Fatal(err)
	}
}

func TestTimePassesAtOnce(t *testing.T) {
	c := control(t)
	state, err := c.State()
	must(t, err)
	now, err := c.Advance(3600)
	must(t, err)
	if state.Now == 0 || now < state.Now+3600 {
		t.Fatal(now, state.Now)
	}
}

func TestFailedAssertionNamesTheNearestRequest(t *testing.T) {
	c := control(t)
	state, err := c.State()
	must(t, err)
	response, err := http.Get(state.Issuer + "/.well-known/jwks.json")
	must(t, err)
	response.Body.Close()
	err = c.Verify(M{"endpoint": "jwks", "status": 500}, M{"exactly": 1})
	mismatch, isMismatch := err.(*Mismatch)
	if !isMismatch || mismatch.Matched != 0 || !strings.Contains(err.Error(), "differs in status: {") {
		t.Fatal(err)
	}
}

func TestProxyOfTheEnvironmentIsNotUsed(t *testing.T) {
	if client.Transport.(*http.Transport).Proxy != nil || client.Timeout == 0 {
		t.Fatal(client)
	}
}
