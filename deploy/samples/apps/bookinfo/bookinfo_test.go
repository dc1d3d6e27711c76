package bookinfo

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

var quiet = slog.New(slog.DiscardHandler)

// inProcess calls handlers by host name, without a network, so that time in a
// test bubble stands still while nothing waits.
type inProcess map[string]http.Handler

func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	h, ok := p[r.URL.Host]
	if !ok {
		return nil, &net.DNSError{Err: "no such host", Name: r.URL.Host}
	}
	answered := make(chan *http.Response, 1)
	in := r.Clone(r.Context())
	if in.Body == nil {
		in.Body = http.NoBody
	}
	go func() {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, in)
		resp := w.Result()
		resp.Request = r
		answered <- resp
	}()
	select {
	case resp := <-answered:
		return resp, nil
	case <-r.Context().Done():
		return nil, context.Cause(r.Context())
	}
}

// shop is the book shop with one version of reviews and one of ratings.
func shop(t *testing.T, reviewsVersion string, ratings http.Handler) (http.Handler, inProcess) {
	t.Helper()
	services := inProcess{"details:9080": NewDetails("v1", quiet)}
	client := &http.Client{Transport: services}
	if ratings != nil {
		services["ratings:9080"] = ratings
	}
	reviews, err := NewReviews(ReviewsConfig{Version: reviewsVersion, Ratings: "http://ratings:9080", Pod: "reviews-pod", Log: quiet, Client: client})
	if err != nil {
		t.Fatal(err)
	}
	services["reviews:9080"] = reviews
	page, err := NewProductpage(PageConfig{
		Version: "v1", Details: "http://details:9080", Reviews: "http://reviews:9080", Ratings: "http://ratings:9080",
		Pod: "page-pod", Log: quiet, Client: client,
	})
	if err != nil {
		t.Fatal(err)
	}
	return page, services
}

func goodRatings() http.Handler { return NewRatings(RatingsConfig{Version: "v1", Log: quiet}) }

func fetch(h http.Handler, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestPageShowsTheStarsOfEachVersion(t *testing.T) {
	tests := []struct {
		version   string
		want, not []string
	}{
		{"v1", []string{"Reviewer1", "slapstick"}, []string{"★"}},
		{"v2", []string{`class="stars black"`, "★★★★★", "★★★★☆"}, []string{"stars red"}},
		{"v3", []string{`class="stars red"`, "★★★★★", "★★★★☆"}, []string{"stars black"}},
	}
	for _, tt := range tests {
		t.Run(tt.version, func(t *testing.T) {
			page, _ := shop(t, tt.version, goodRatings())
			w := fetch(page, "/productpage")
			if w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
				t.Fatalf("%d %s", w.Code, w.Header())
			}
			if got := w.Header().Get(ServedBy); got != "productpage-v1" {
				t.Errorf("served by %q", got)
			}
			body := w.Body.String()
			for _, s := range append(tt.want, "The Comedy of Errors", "1234567890", "reviews-pod", "page-pod") {
				if !strings.Contains(body, s) {
					t.Errorf("no %q in the page", s)
				}
			}
			for _, s := range tt.not {
				if strings.Contains(body, s) {
					t.Errorf("%q in the page", s)
				}
			}
		})
	}
}

func TestEveryServiceNamesWhoServed(t *testing.T) {
	_, services := shop(t, "v3", NewRatings(RatingsConfig{Version: "v1", Log: quiet}))
	for host, want := range map[string][2]string{
		"details:9080": {"/details/0", "details-v1"},
		"reviews:9080": {"/reviews/0", "reviews-v3"},
		"ratings:9080": {"/ratings/0", "ratings-v1"},
	} {
		w := fetch(services[host], want[0])
		if got := w.Header().Get(ServedBy); w.Code != 200 || got != want[1] {
			t.Errorf("%s: %d by %q, want %q", host, w.Code, got, want[1])
		}
		if w := fetch(services[host], strings.TrimSuffix(want[0], "0")+"x"); w.Code != http.StatusBadRequest {
			t.Errorf("%s: id that is no number gives %d", host, w.Code)
		}
		if w := fetch(services[host], "/health"); w.Code != 200 {
			t.Errorf("%s: health %d", host, w.Code)
		}
	}
}

func TestReviewsHasNoOtherVersion(t *testing.T) {
	if _, err := NewReviews(ReviewsConfig{Version: "v4"}); err == nil || !strings.Contains(err.Error(), "v1") {
		t.Errorf("got %v", err)
	}
}

func TestBrokenRatingsLeaveTheReviews(t *testing.T) {
	always := func() bool { return true }
	tests := []struct {
		name    string
		version string
		ratings http.Handler
	}{
		{"faulty", "v2", NewRatings(RatingsConfig{Version: RatingsFaulty, Log: quiet, Flip: always})},
		{"away", "v3", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			page, services := shop(t, tt.version, tt.ratings)
			w := fetch(page, "/productpage")
			if w.Code != 200 || !strings.Contains(w.Body.String(), noRatings) || !strings.Contains(w.Body.String(), "slapstick") {
				t.Errorf("%d: %s", w.Code, w.Body)
			}
			if w := fetch(services["reviews:9080"], "/reviews/0"); w.Code != 200 {
				t.Errorf("reviews answered %d", w.Code)
			}
		})
	}
}

func TestDelayBringsThePlantedBugToLight(t *testing.T) {
	tests := []struct {
		version string
		takes   time.Duration
		want    string
	}{
		// v2 waits 10 s for an answer after 7 s; the page gives up after 2 × 3 s.
		{"v2", 6 * time.Second, "Sorry, product reviews are currently unavailable for this book."},
		// v3 gives up after 2.5 s.
		{"v3", 2500 * time.Millisecond, noRatings},
		{"v1", 0, "slapstick"},
	}
	for _, tt := range tests {
		t.Run(tt.version, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				page, _ := shop(t, tt.version, NewRatings(RatingsConfig{Version: RatingsDelayed, Log: quiet, Flip: func() bool { return true }}))
				began := time.Now()
				w := fetch(page, "/productpage")
				if took := time.Since(began); took != tt.takes {
					t.Errorf("took %v, want %v", took, tt.takes)
				}
				if w.Code != 200 || !strings.Contains(w.Body.String(), tt.want) {
					t.Errorf("%d: %s", w.Code, w.Body)
				}
				if strings.Contains(tt.want, "Sorry") && !strings.Contains(w.Body.String(), "Error fetching product reviews!") {
					t.Error("no headline about the error")
				}
			})
		})
	}
}

func TestRatingsUnavailableFlipsEachMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewRatings(RatingsConfig{Version: RatingsUnavailable, Log: quiet})
		var got []int
		for range 4 {
			got = append(got, fetch(h, "/ratings/0").Code)
			time.Sleep(time.Minute) // of the bubble: takes no time
		}
		if diff := cmp.Diff([]int{200, 503, 200, 503}, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestFaultyRatingsFailHalfTheTime(t *testing.T) {
	h := NewRatings(RatingsConfig{Version: RatingsFaulty, Log: quiet})
	failed := 0
	const n = 2000 // ±10 points are 9 standard deviations
	for range n {
		if fetch(h, "/ratings/0").Code == http.StatusServiceUnavailable {
			failed++
		}
	}
	if failed < n*4/10 || failed > n*6/10 {
		t.Errorf("%d of %d failed", failed, n)
	}
}

func TestPostedRatingsAreKept(t *testing.T) {
	h := goodRatings()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/ratings/3", strings.NewReader(`{"Reviewer1":2}`)))
	if w.Code != 200 {
		t.Fatalf("post answered %d", w.Code)
	}
	var got Ratings
	if err := json.Unmarshal(fetch(h, "/ratings/3").Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Ratings{ID: 3, Ratings: map[string]int{"Reviewer1": 2}}, got); diff != "" {
		t.Error(diff)
	}
	w = httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/ratings/3", strings.NewReader(`no`)))
	if w.Code != http.StatusBadRequest {
		t.Errorf("nonsense answered %d", w.Code)
	}
}

func TestWhoAsksAndTheTraceArePassedOn(t *testing.T) {
	var ratings http.Header
	page, services := shop(t, "v2", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ratings = r.Header.Clone()
		goodRatings().ServeHTTP(w, r)
	}))
	var details http.Header
	inner := services["details:9080"]
	services["details:9080"] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		details = r.Header.Clone()
		inner.ServeHTTP(w, r)
	})
	sent := []string{
		"traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "tracestate", "a=1", "x-request-id", "id1",
		"b3", "0", "x-b3-traceid", "t", "x-b3-spanid", "s", "x-b3-sampled", "1", "user-agent", "Chrome/1",
	}
	fetch(page, "/productpage?u=jason", append(sent, "x-other", "no", "end-user", "forged")...)
	for name, got := range map[string]http.Header{"details": details, "ratings": ratings} {
		for i := 0; i < len(sent); i += 2 {
			if v := got.Get(sent[i]); v != sent[i+1] {
				t.Errorf("%s got %s: %q", name, sent[i], v)
			}
		}
		if user := got.Values(EndUser); len(user) != 1 || user[0] != "jason" {
			t.Errorf("%s: end-user %q", name, user)
		}
		if got.Get("x-other") != "" {
			t.Errorf("%s got a header that nobody asked to pass on", name)
		}
	}
	fetch(page, "/productpage", "end-user", "forged")
	if user := details.Get(EndUser); user != "" {
		t.Errorf("a header from outside became the user %q", user)
	}
}

func TestSigningIn(t *testing.T) {
	var user string
	page, services := shop(t, "v1", nil)
	inner := services["details:9080"]
	services["details:9080"] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user = r.Header.Get(EndUser)
		inner.ServeHTTP(w, r)
	})
	s := httptest.NewServer(page)
	defer s.Close()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	visit := func(resp *http.Response, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != 200 || resp.Request.URL.Path != "/productpage" {
			t.Fatalf("%s %s: %v", resp.Request.URL, resp.Status, err)
		}
		return string(body)
	}
	if body := visit(client.Get(s.URL + "/productpage")); !strings.Contains(body, "Sign in") || user != "" {
		t.Errorf("at first: user %q", user)
	}
	name := "Zoë <b>& co"
	if body := visit(client.PostForm(s.URL+"/login", url.Values{"username": {name}, "passwd": {"any"}})); !strings.Contains(body, "Zo &lt;b&gt;&amp; co") {
		t.Errorf("name not shown, or not escaped: %s", body)
	}
	visit(client.PostForm(s.URL+"/login", url.Values{"username": {"jason"}}))
	if user != "jason" {
		t.Errorf("signed in as %q", user)
	}
	if body := visit(client.Get(s.URL + "/logout")); !strings.Contains(body, "Sign in") || user != "" {
		t.Errorf("after signing out: user %q", user)
	}
	resp, err := client.PostForm(s.URL+"/login", url.Values{"username": {" "}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusBadRequest {
		t.Errorf("no name: %s", resp.Status)
	}
}

func TestAPI(t *testing.T) {
	page, services := shop(t, "v2", goodRatings())
	for path, want := range map[string]string{
		"/api/v1/products":           "The Comedy of Errors",
		"/api/v1/products/0":         "1234567890",
		"/api/v1/products/0/reviews": `"color":"black"`,
		"/api/v1/products/0/ratings": `"Reviewer2":4`,
		"/static/bookinfo.css":       ".stars",
		"/":                          "/productpage?u=normal",
		"/index.html":                "/productpage?u=test",
	} {
		if w := fetch(page, path); w.Code != 200 || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	services["reviews:9080"] = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) })
	if w := fetch(page, "/api/v1/products/0/reviews"); w.Code != 503 || !strings.Contains(w.Body.String(), "Sorry, product reviews") {
		t.Errorf("failing reviews: %d %s", w.Code, w.Body)
	}
	delete(services, "details:9080")
	if w := fetch(page, "/api/v1/products/0"); w.Code != 500 {
		t.Errorf("details away: %d", w.Code)
	}
	if w := fetch(page, "/productpage"); w.Code != 200 || !strings.Contains(w.Body.String(), "Error fetching product details!") {
		t.Errorf("page without details: %d", w.Code)
	}
}
