package contract

import (
	"bytes"
	"encoding/json"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// What stands in the files for what is another in each run: the time, the
// console's address, the contents of Envoy's resources.
const (
	fixedAddress = "127.0.0.1:20001"
	fixedState   = "/var/lib/heddle"
	fixedHash    = "00000000000000000000000000000000"
)

var (
	fixedTime   = time.Date(2026, time.January, 2, 3, 4, 0, 0, time.UTC)
	timeWord    = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)`)
	hashWord    = regexp.MustCompile(`^[0-9a-f]{32}$`)
	waitWord    = regexp.MustCompile(`in \d+ s\b`)
	cookieValue = regexp.MustCompile(`heddle_session=[^;]+`)
)

// fixedNumbers are numbers that say nothing about the API: how long somebody has
// to wait, how much the translation to Envoy makes of bookinfo, and how many lines
// the audit log has, with one for each guess until somebody has to wait.
var fixedNumbers = map[string]json.Number{"seconds": "1", "bytes": "1000", "held": "10", "unchanged": "10", "id": "1", "next": "1"}

// normal takes out of an answer what another run would answer otherwise.
type normal struct {
	words  *strings.Replacer
	latest time.Time // of the answer's times, where they are kept apart; zero otherwise
	unix   time.Time // that times in seconds are counted from
}

// normal is that of one answer.
func (r *runner) normal(body []byte, apart bool) normal {
	pairs := []string{r.world.address, fixedAddress, r.world.state, fixedState}
	for _, name := range slices.Sorted(maps.Keys(r.kept)) {
		if strings.HasPrefix(name, "token") {
			pairs = append(pairs, r.kept[name], "TOKEN")
		}
	}
	n := normal{words: strings.NewReplacer(pairs...), unix: r.world.began}
	if apart {
		for _, word := range timeWord.FindAllString(string(body), -1) {
			if at, err := time.Parse(time.RFC3339Nano, word); err == nil && at.After(n.latest) {
				n.latest = at
			}
		}
	}
	return n
}

// text is a text with fixed times and names.
func (n normal) text(s string) string {
	s = waitWord.ReplaceAllString(n.words.Replace(s), "in 1 s")
	return timeWord.ReplaceAllStringFunc(s, func(word string) string {
		at, err := time.Parse(time.RFC3339Nano, word)
		if err != nil || n.latest.IsZero() {
			return fixedTime.Format(time.RFC3339)
		}
		return fixedTime.Add(at.Sub(n.latest)).Format(time.RFC3339Nano)
	})
}

// header is the value of a header.
func (n normal) header(name, value string) string {
	if name == "Retry-After" {
		return fixedNumbers["seconds"].String()
	}
	return cookieValue.ReplaceAllString(n.text(value), "heddle_session=SESSION")
}

// json is a JSON text, normalised; nil when there is none.
func (n normal) json(t *testing.T, text []byte) any {
	t.Helper()
	if len(text) == 0 {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var value any
	if err := dec.Decode(&value); err != nil {
		t.Fatalf("the answer is no JSON (%v): %s", err, text)
	}
	return n.value(value)
}

func (n normal) value(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, one := range v {
			v[name] = n.value(one)
			if fixed, ok := fixedNumbers[name]; ok {
				if _, ok := one.(json.Number); ok {
					v[name] = fixed
				}
			}
		}
	case []any:
		for i, one := range v {
			v[i] = n.value(one)
		}
	case string:
		if hashWord.MatchString(v) && v != traceID {
			return fixedHash
		}
		return n.text(v)
	case json.Number:
		return n.number(v)
	}
	return v
}

// number keeps three significant digits of what is no whole number, and counts
// seconds since 1970 from the time that metrics are asked for.
func (n normal) number(v json.Number) any {
	f, err := v.Float64()
	if err != nil {
		return v
	}
	if away := f - float64(n.unix.Unix()); math.Abs(away) < 24*3600 {
		f = float64(fixedTime.Unix()) + math.Round(away)
	}
	if f != math.Trunc(f) {
		f, _ = strconv.ParseFloat(strconv.FormatFloat(f, 'g', 3, 64), 64)
	}
	return json.Number(strconv.FormatFloat(f, 'f', -1, 64))
}
