package bookinfo

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// How long productpage waits for details, and for reviews each time, and how
// often it asks for reviews. Together with the wait of reviews v2 for ratings
// this is the planted bug that a delay brings to light.
const (
	pageWait    = 3 * time.Second
	reviewTries = 2
)

// sessionCookie holds the name of the user. It proves nothing: anybody may be
// anybody in this shop.
const sessionCookie = "session"

// PageConfig configures NewProductpage.
type PageConfig struct {
	Version string
	Details string // base URL
	Reviews string // base URL
	Ratings string // base URL
	Pod     string
	Log     *slog.Logger
	Client  *http.Client
}

//go:embed page.html
var pageText string

//go:embed static/bookinfo.css
var css []byte

// product is the one book on sale.
var product = struct {
	ID          int    `json:"id"`
	Title       string `json:"title"`
	Description string `json:"descriptionHtml"`
}{
	0, "The Comedy of Errors",
	"The Comedy of Errors is one of William Shakespeare's early plays. It is his shortest and one of his most farcical comedies, " +
		"with a major part of the humour coming from slapstick and mistaken identity, in addition to puns and word play.",
}

// productpage is the shop's front.
type productpage struct {
	PageConfig
	page *template.Template
}

// NewProductpage is the service productpage: the page itself, signing in and
// out, and the JSON API.
func NewProductpage(cfg PageConfig) (http.Handler, error) {
	page, err := template.New("page").Funcs(template.FuncMap{
		"stars": func(n int) string { return strings.Repeat("★", max(n, 0)) + strings.Repeat("☆", 5-max(n, 0)) },
	}).Parse(pageText)
	if err != nil {
		return nil, fmt.Errorf("read the page template: %w", err)
	}
	p := &productpage{PageConfig: cfg, page: page}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", health)
	mux.HandleFunc("GET /{$}", p.front)
	mux.HandleFunc("GET /index.html", p.front)
	mux.HandleFunc("GET /productpage", p.show)
	mux.HandleFunc("POST /login", p.login)
	mux.HandleFunc("GET /logout", p.logout)
	mux.HandleFunc("GET /static/bookinfo.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		w.Header().Set("Cache-Control", "max-age=3600")
		_, _ = w.Write(css)
	})
	mux.HandleFunc("GET /api/v1/products", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, []any{product})
	})
	mux.HandleFunc("GET /api/v1/products/{id}", p.apiDetails)
	mux.HandleFunc("GET /api/v1/products/{id}/reviews", p.apiReviews)
	mux.HandleFunc("GET /api/v1/products/{id}/ratings", p.apiRatings)
	return served("productpage-"+cfg.Version, cfg.Log, signedIn(mux)), nil
}

// signedIn sets the header end-user from ?u= or the session, and drops what a
// caller claims there itself.
func signedIn(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del(EndUser)
		if user := userOf(r); user != "" {
			r.Header.Set(EndUser, user)
		}
		h.ServeHTTP(w, r)
	})
}

// userOf is the user of a request: ?u= for this one request, else the session.
func userOf(r *http.Request) string {
	if u := r.URL.Query().Get("u"); u != "" {
		return cleanUser(u)
	}
	c, err := r.Cookie(sessionCookie)
	if err != nil {
		return ""
	}
	user, err := url.QueryUnescape(c.Value)
	if err != nil {
		return ""
	}
	return cleanUser(user)
}

// cleanUser makes a name fit for a header: printable ASCII, at most 64 bytes.
func cleanUser(name string) string {
	name = strings.TrimSpace(strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' {
			return -1
		}
		return c
	}, name))
	return name[:min(len(name), 64)]
}

func (p *productpage) login(w http.ResponseWriter, r *http.Request) {
	user := cleanUser(r.PostFormValue("username"))
	if user == "" {
		http.Error(w, "please give a user name", http.StatusBadRequest)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: sessionCookie, Value: url.QueryEscape(user), Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	http.Redirect(w, r, "/productpage", http.StatusFound)
}

func (p *productpage) logout(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, &http.Cookie{Name: sessionCookie, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	http.Redirect(w, r, "/productpage", http.StatusFound)
}

// pageData is what the template shows.
type pageData struct {
	Page         string // "front" or "product"
	User         string
	Pod, Version string
	Title        string
	Description  string
	Details      *Details
	DetailsError string
	Reviews      *Reviews
	ReviewsError string
}

func (p *productpage) front(w http.ResponseWriter, r *http.Request) {
	p.render(w, pageData{Page: "front", User: r.Header.Get(EndUser), Pod: p.Pod, Version: p.Version})
}

func (p *productpage) show(w http.ResponseWriter, r *http.Request) {
	data := pageData{
		Page: "product", User: r.Header.Get(EndUser), Pod: p.Pod, Version: p.Version,
		Title: product.Title, Description: product.Description,
	}
	var failure *callError
	if details, err := p.details(r, product.ID); errors.As(err, &failure) {
		data.DetailsError = failure.message
	} else {
		data.Details = details
	}
	if reviews, err := p.reviews(r, product.ID); errors.As(err, &failure) {
		data.ReviewsError = failure.message
	} else {
		data.Reviews = reviews
	}
	p.render(w, data)
}

func (p *productpage) render(w http.ResponseWriter, data pageData) {
	var page bytes.Buffer
	if err := p.page.Execute(&page, data); err != nil {
		p.Log.Error("page cannot be rendered", "error", err)
		http.Error(w, "the page cannot be shown", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(page.Bytes())
}

// callError is a failed call with what the person is told.
type callError struct {
	status  int // what the API answers
	message string
	cause   error
}

func (e *callError) Error() string { return e.message + ": " + e.cause.Error() }
func (e *callError) Unwrap() error { return e.cause }

// ask calls a service as often as it may be tried, waiting pageWait each time.
func (p *productpage) ask(r *http.Request, what, url string, tries int, into any) error {
	var status int
	var err error
	for range tries {
		ctx, cancel := context.WithTimeout(r.Context(), pageWait)
		status, err = get(ctx, p.Client, r, url, into)
		cancel()
		if err == nil {
			return nil
		}
		p.Log.Warn("call failed", "service", what, "error", err)
		if r.Context().Err() != nil {
			break
		}
	}
	if status < 400 {
		status = http.StatusInternalServerError
	}
	return &callError{status, "Sorry, product " + what + " are currently unavailable for this book.", err}
}

func (p *productpage) details(r *http.Request, id int) (*Details, error) {
	found := new(Details)
	return found, p.ask(r, "details", fmt.Sprintf("%s/details/%d", p.PageConfig.Details, id), 1, found)
}

func (p *productpage) reviews(r *http.Request, id int) (*Reviews, error) {
	found := new(Reviews)
	return found, p.ask(r, "reviews", fmt.Sprintf("%s/reviews/%d", p.PageConfig.Reviews, id), reviewTries, found)
}

func (p *productpage) apiDetails(w http.ResponseWriter, r *http.Request) {
	if id, ok := productID(w, r); ok {
		found, err := p.details(r, id)
		answer(w, found, err)
	}
}

func (p *productpage) apiReviews(w http.ResponseWriter, r *http.Request) {
	if id, ok := productID(w, r); ok {
		found, err := p.reviews(r, id)
		answer(w, found, err)
	}
}

func (p *productpage) apiRatings(w http.ResponseWriter, r *http.Request) {
	if id, ok := productID(w, r); ok {
		found := new(Ratings)
		err := p.ask(r, "ratings", fmt.Sprintf("%s/ratings/%d", p.PageConfig.Ratings, id), 1, found)
		answer(w, found, err)
	}
}

// answer is the JSON of what was found, or the failure with its status.
func answer(w http.ResponseWriter, found any, err error) {
	var failure *callError
	if errors.As(err, &failure) {
		writeJSON(w, failure.status, map[string]string{"error": failure.message})
		return
	}
	writeJSON(w, http.StatusOK, found)
}
