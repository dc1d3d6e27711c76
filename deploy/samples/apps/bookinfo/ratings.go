package bookinfo

import (
	"encoding/json"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// Ratings is what ratings says about a book: stars from 1 to 5 by reviewer.
type Ratings struct {
	ID      int            `json:"id"`
	Ratings map[string]int `json:"ratings"`
}

// The versions of ratings that are incidents.
const (
	RatingsFaulty      = "v-faulty"      // half of the requests fail with 503
	RatingsDelayed     = "v-delayed"     // half of the requests take 7 s
	RatingsUnavailable = "v-unavailable" // a minute well, a minute 503, and so on
)

// delay is how long v-delayed takes: longer than productpage waits, shorter
// than reviews v2 does.
const delay = 7 * time.Second

// RatingsConfig configures NewRatings.
type RatingsConfig struct {
	Version string
	Log     *slog.Logger
	// Flip decides for the faulty and the delayed version whether this request
	// is hit. Nil is a fair coin.
	Flip func() bool
}

// ratings keeps what was posted, by product.
type ratings struct {
	cfg   RatingsConfig
	began time.Time

	mu     sync.Mutex
	posted map[int]map[string]int
}

// NewRatings is the service ratings: GET and POST /ratings/{id}.
func NewRatings(cfg RatingsConfig) http.Handler {
	if cfg.Flip == nil {
		cfg.Flip = func() bool { return rand.IntN(2) == 0 }
	}
	s := &ratings{cfg: cfg, began: time.Now(), posted: map[int]map[string]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", health)
	mux.HandleFunc("GET /ratings/{id}", s.get)
	mux.HandleFunc("POST /ratings/{id}", s.post)
	return served("ratings-"+cfg.Version, cfg.Log, mux)
}

func (s *ratings) get(w http.ResponseWriter, r *http.Request) {
	id, ok := productID(w, r)
	if !ok {
		return
	}
	switch s.cfg.Version {
	case RatingsFaulty:
		if s.cfg.Flip() {
			unavailable(w)
			return
		}
	case RatingsUnavailable:
		if int(time.Since(s.began)/time.Minute)%2 == 1 {
			unavailable(w)
			return
		}
	case RatingsDelayed:
		if s.cfg.Flip() {
			select {
			case <-time.After(delay):
			case <-r.Context().Done():
				return
			}
		}
	}
	s.mu.Lock()
	found, ok := s.posted[id]
	s.mu.Unlock()
	if !ok {
		found = map[string]int{"Reviewer1": 5, "Reviewer2": 4}
	}
	writeJSON(w, http.StatusOK, Ratings{ID: id, Ratings: found})
}

func unavailable(w http.ResponseWriter) {
	writeJSON(w, http.StatusServiceUnavailable, map[string]string{"error": "Service unavailable"})
}

func (s *ratings) post(w http.ResponseWriter, r *http.Request) {
	id, ok := productID(w, r)
	if !ok {
		return
	}
	var given map[string]int
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&given); err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "please provide valid ratings JSON"})
		return
	}
	s.mu.Lock()
	s.posted[id] = given
	s.mu.Unlock()
	writeJSON(w, http.StatusOK, Ratings{ID: id, Ratings: given})
}
