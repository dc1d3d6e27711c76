package live

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"
	"unicode/utf8"
)

// Request is what a client sends: exactly one of its fields.
type Request struct {
	Subscribe   *Subscribe   `json:"subscribe,omitempty"`
	Unsubscribe *Unsubscribe `json:"unsubscribe,omitempty"`
}

// Subscribe asks for a topic under an id of the client's choice.
type Subscribe struct {
	ID     string `json:"id" minLength:"1" maxLength:"64"`
	Topic  string `json:"topic" maxLength:"64"`
	Params Params `json:"params,omitempty"`
}

// Unsubscribe ends what was asked for under an id.
type Unsubscribe struct {
	ID string `json:"id" minLength:"1" maxLength:"64"`
}

// Patch is what a client gets of a topic's state. It applies to what was sent
// before it under the same id, and replaces all of that where it is whole.
type Patch struct {
	ID    string                     `json:"id"`
	Epoch string                     `json:"epoch" doc:"Names the run of the computing; numbers of two epochs have nothing to do with each other"`
	Seq   uint64                     `json:"seq" doc:"Number of the state that this message leads to; it may jump"`
	Whole bool                       `json:"whole,omitempty"`
	Put   map[string]json.RawMessage `json:"put" doc:"New and changed elements, each complete"`
	Del   []string                   `json:"del"`
}

// News is what a client gets of the events.
type News struct {
	ID     string  `json:"id"`
	Epoch  string  `json:"epoch" doc:"Names the run of the server; numbers of two epochs have nothing to do with each other"`
	Seq    uint64  `json:"seq" doc:"The last event that there is for the client, to be asked for the next ones after it"`
	Events []Event `json:"events"`
	Resync bool    `json:"resync,omitempty" doc:"Events were missed: what is shown is to be asked for anew"`
}

// Event is something that happened.
type Event struct {
	Seq    uint64          `json:"seq"`
	At     time.Time       `json:"at"`
	Type   string          `json:"type"`
	Params json.RawMessage `json:"params"`
}

// Failure ends a subscription, or says why there is none.
type Failure struct {
	ID    string  `json:"id"`
	Error Problem `json:"error"`
}

// Problem of one subscription.
type Problem struct {
	Code   string `json:"code" enum:"unknownTopic,forbidden,badParameter,idInUse,tooMany,failed"`
	Detail string `json:"detail"`
}

// Codes of problems.
const (
	unknownTopic = "unknownTopic"
	forbidden    = "forbidden"
	badParameter = "badParameter"
	idInUse      = "idInUse"
	tooMany      = "tooMany"
	failed       = "failed"
)

// Params are the parameters of a topic by name. Clients may write numbers and
// truth values without quotes.
type Params map[string]string

// UnmarshalJSON implements json.Unmarshaler.
func (p *Params) UnmarshalJSON(data []byte) error {
	var raw map[string]any
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(&raw); err != nil {
		return err
	}
	*p = Params{}
	for name, value := range raw {
		switch v := value.(type) {
		case string:
			(*p)[name] = v
		case json.Number:
			(*p)[name] = v.String()
		case bool:
			(*p)[name] = strconv.FormatBool(v)
		default:
			return fmt.Errorf("parameter %q is neither text nor a number", name)
		}
	}
	return nil
}

// maxID bounds the ids of subscriptions, in bytes.
const maxID = 64

// parse reads what a client sent.
func parse(data []byte) (Request, error) {
	var r Request
	if !utf8.Valid(data) {
		return r, errors.New("the message is not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return r, fmt.Errorf("the message is no request: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return r, errors.New("something follows the request")
	}
	var id string
	switch {
	case r.Subscribe != nil && r.Unsubscribe == nil:
		id = r.Subscribe.ID
	case r.Unsubscribe != nil && r.Subscribe == nil:
		id = r.Unsubscribe.ID
	default:
		return r, errors.New("the message is neither subscribe nor unsubscribe")
	}
	if id == "" || len(id) > maxID {
		return r, fmt.Errorf("an id has 1 to %d bytes", maxID)
	}
	return r, nil
}

// quoted is text as JSON.
func quoted(s string) []byte {
	data, err := json.Marshal(s)
	if err != nil {
		return []byte(`""`) // a string can always be written
	}
	return data
}
