// Package gatepass calls the control API of Gatepass, for tests. It needs the standard library alone.
package gatepass

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// The control listener is on this machine or in its network, so the proxy of the environment is not
// for it. The timeout is above that of the server.
var client = &http.Client{Transport: &http.Transport{Proxy: nil}, Timeout: 90 * time.Second}

// M is a JSON object.
type M map[string]any

// Control calls the control API of a running server.
type Control struct {
	// URL of the control listener, such as http://localhost:9005.
	URL string
	// Token is the value of the setting control.token, if the server has one.
	Token string
	// Issuer is that of the calls, by its name or its URL, if the server has several.
	Issuer string
}

// Error says why the control API rejected a call.
type Error struct {
	Status      int    `json:"-"`
	Code        string `json:"error"`
	Description string `json:"error_description"`
	Pointer     string `json:"pointer"`
	Expected    string `json:"expected"`
}

func (e *Error) Error() string {
	text := fmt.Sprintf("%d %s: %s (at %q)", e.Status, e.Code, e.Description, e.Pointer)
	if e.Expected != "" {
		text += "; expected: " + e.Expected
	}
	return text
}

// Mismatch says how what the server received differs from what a test expects.
type Mismatch struct {
	Match, Count M
	Matched      int
	Dropped      int
	// Nearest is the request that differs least, if too few match.
	Nearest *struct {
		Request M
		Differs []string
	}
}

func (m *Mismatch) Error() string {
	match, _ := json.Marshal(m.Match)
	count, _ := json.Marshal(m.Count)
	text := fmt.Sprintf("%d requests match %s, expected %s", m.Matched, match, count)
	if m.Dropped > 0 {
		text += fmt.Sprintf("; the journal has lost %d requests", m.Dropped)
	}
	if m.Nearest != nil {
		request, _ := json.Marshal(m.Nearest.Request)
		differs := strings.Join(m.Nearest.Differs, ", ")
		text += fmt.Sprintf("; the nearest differs in %s: %s", differs, request)
	}
	return text
}

// Token is a token that the control API issued.
type Token struct {
	Token    string
	Header   M
	Claims   M
	Bypassed []string
}

// Login is a completed login.
type Login struct {
	RedirectTo string `json:"redirect_to"`
	Code       string
}

// State is the state of the server.
type State struct {
	Issuer string
	// Now is the time of the server, in seconds since 1970.
	Now int64
}

// Call sends a request and decodes the JSON of the response into result, unless that is nil.
func (c Control) Call(method, path string, body, result any) error {
	var content io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return err
		}
		content = bytes.NewReader(encoded)
	}
	target := strings.TrimRight(c.URL, "/") + path
	if c.Issuer != "" {
		separator := "?"
		if strings.Contains(path, "?") {
			separator = "&"
		}
		target += separator + "issuer=" + url.QueryEscape(c.Issuer)
	}
	request, err := http.NewRequest(method, target, content)
	if err != nil {
		return err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.Token != "" {
		request.Header.Set("Authorization", "Bearer "+c.Token)
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode >= 400 {
		failure := &Error{Status: response.StatusCode, Description: string(text)}
		_ = json.Unmarshal(text, failure)
		return failure
	}
	if result == nil || len(text) == 0 {
		return nil
	}
	return json.Unmarshal(text, result)
}

// State returns the state of the server.
func (c Control) State() (state State, err error) {
	err = c.Call("GET", "/control", nil, &state)
	return
}

// Mint issues a token; members are those of POST /control/tokens.
func (c Control) Mint(members M) (token Token, err error) {
	err = c.Call("POST", "/control/tokens", members, &token)
	return
}

// LogIn takes an authorization URL to its redirect as a user.
func (c Control) LogIn(authorizationURL, user string) (login Login, err error) {
	body := M{"authorization_url": authorizationURL, "user": user}
	err = c.Call("POST", "/control/logins", body, &login)
	return
}

// Fault makes an endpoint fail so many times; 0 means until the faults are cleared.
func (c Control) Fault(on string, action M, times int) (id int64, err error) {
	body := M{"on": on, "do": action}
	if times > 0 {
		body["times"] = times
	}
	var fault struct{ ID int64 }
	err = c.Call("POST", "/control/faults", body, &fault)
	return fault.ID, err
}

// Verify asserts what the server received: Verify(M{"endpoint": "token"}, M{"exactly": 1}).
// It returns a *Mismatch if the server received something else.
func (c Control) Verify(match, count M) error {
	err := c.Call("POST", "/control/requests/verify", M{"match": match, "count": count}, nil)
	failure, isError := err.(*Error)
	if !isError || failure.Status != http.StatusUnprocessableEntity {
		return err
	}
	mismatch := &Mismatch{Match: match, Count: count}
	if json.Unmarshal([]byte(failure.Description), mismatch) != nil {
		return err
	}
	return mismatch
}

// Advance moves the clock forward and returns the new time, in seconds since 1970.
func (c Control) Advance(seconds int64) (now int64, err error) {
	var clock struct{ Now int64 }
	err = c.Call("POST", "/control/clock/advance", M{"seconds": seconds}, &clock)
	return clock.Now, err
}

// Reset sets the server back to its seed.
func (c Control) Reset() error {
	return c.Call("POST", "/control/reset", M{}, nil)
}
