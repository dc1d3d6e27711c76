package bookinfo

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"
)

// Reviews is what reviews says about a book.
type Reviews struct {
	ID      string   `json:"id"`
	Pod     string   `json:"podname"`
	Cluster string   `json:"clustername"`
	Reviews []Review `json:"reviews"`
}

// Review is one opinion.
type Review struct {
	Reviewer string  `json:"reviewer"`
	Text     string  `json:"text"`
	Rating   *Rating `json:"rating,omitempty"` // nil where the version shows none
}

// Rating is the stars of one review, or why there are none.
type Rating struct {
	Stars int    `json:"stars,omitempty"`
	Color string `json:"color,omitempty"`
	Error string `json:"error,omitempty"`
}

// ReviewsConfig configures NewReviews.
type ReviewsConfig struct {
	Version string // v1, v2 or v3
	Ratings string // base URL of ratings
	Pod     string
	Log     *slog.Logger
	Client  *http.Client
}

// reviewsVersions is what tells the versions apart: v1 asks nobody for stars.
// The wait of v2 is the shop's planted bug: it is longer than productpage
// waits for reviews.
var reviewsVersions = []struct {
	version, color string
	wait           time.Duration
}{
	{"v1", "", 0},
	{"v2", "black", 10 * time.Second},
	{"v3", "red", 2500 * time.Millisecond},
}

const noRatings = "Ratings service is currently unavailable"

// NewReviews is the service reviews: GET /reviews/{id}. It fails for a version
// that does not exist.
func NewReviews(cfg ReviewsConfig) (http.Handler, error) {
	for _, v := range reviewsVersions {
		if v.version != cfg.Version {
			continue
		}
		mux := http.NewServeMux()
		mux.HandleFunc("GET /health", health)
		mux.HandleFunc("GET /reviews/{id}", func(w http.ResponseWriter, r *http.Request) {
			id, ok := productID(w, r)
			if !ok {
				return
			}
			answer := Reviews{ID: strconv.Itoa(id), Pod: cfg.Pod, Cluster: "null", Reviews: []Review{
				{Reviewer: "Reviewer1", Text: "An extremely entertaining play by Shakespeare. The slapstick humour is refreshing!"},
				{Reviewer: "Reviewer2", Text: "Absolutely fun and entertaining. The play lacks thematic depth when compared to other plays by Shakespeare."},
			}}
			if v.color != "" {
				cfg.addStars(r, id, v.color, v.wait, answer.Reviews)
			}
			writeJSON(w, http.StatusOK, answer)
		})
		return served("reviews-"+cfg.Version, cfg.Log, mux), nil
	}
	return nil, fmt.Errorf("reviews has no version %q: choose v1 (no stars), v2 (black stars) or v3 (red stars)", cfg.Version)
}

// addStars asks ratings. Without an answer the reviews say so; they are shown
// all the same.
func (cfg ReviewsConfig) addStars(r *http.Request, id int, color string, wait time.Duration, reviews []Review) {
	ctx, cancel := context.WithTimeout(r.Context(), wait)
	defer cancel()
	var found Ratings
	if _, err := get(ctx, cfg.Client, r, fmt.Sprintf("%s/ratings/%d", cfg.Ratings, id), &found); err != nil {
		cfg.Log.Warn("ratings did not answer", "error", err)
		for i := range reviews {
			reviews[i].Rating = &Rating{Error: noRatings}
		}
		return
	}
	for i := range reviews {
		stars, ok := found.Ratings[reviews[i].Reviewer]
		if !ok {
			stars = -1
		}
		reviews[i].Rating = &Rating{Stars: min(stars, 5), Color: color}
	}
}
