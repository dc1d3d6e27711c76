package config

// shape says what a value may be. It hides whether the rule comes from a proto
// descriptor or from a Go struct.
type shape struct {
	kind shapeKind
	// field finds a field of an object by the name that a document writes.
	field func(name string) (field, bool)
	// names lists the fields of an object, for "did you mean".
	names func() []string
	// elem is the shape of the items of a list and of the values of a dict.
	elem func() shape
	// key is integer where the keys of a dict are numbers.
	key shapeKind
	// enum lists the words that a text may be; empty allows all.
	enum []string
	// open says that the Go type can hold other words too.
	open bool
	// bits and unsigned bound an integer.
	bits     int
	unsigned bool
}

type shapeKind int

const (
	anything shapeKind = iota
	object
	listKind
	dict
	text
	boolean
	integer
	number
	bytes64
	duration   // a Go duration, which becomes seconds: "1m30s"
	goDuration // a Go duration, kept as text
	timestamp
	quantity // "500m" or a number
	intOrText
)

// field is one field of an object.
type field struct {
	name  string // as the JSON form writes it
	shape shape
	oneof string // name of the group of which only one field may be set
}

func scalar(k shapeKind) shape { return shape{kind: k} }

// describe says what a shape takes, as a person would.
func (s shape) describe() string {
	switch s.kind {
	case object, dict:
		return "a mapping"
	case listKind:
		return "a list"
	case text:
		return "text"
	case boolean:
		return "true or false"
	case integer:
		return "a whole number"
	case number:
		return "a number"
	case bytes64:
		return "text in base64"
	case duration, goDuration:
		return "a duration such as 1.5s"
	case timestamp:
		return "a time such as 2024-01-31T12:00:00Z"
	case quantity:
		return "a quantity such as 500m"
	case intOrText:
		return "a whole number or text"
	default:
		return "a value"
	}
}
