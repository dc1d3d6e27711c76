package mesh

// Op is what an Edit does.
type Op string

const (
	// OpSet gives the field at Path a value; it and the mappings around it are
	// made where they are missing. A list takes one item more at its end.
	OpSet Op = "set"
	// OpDelete removes the field or list item at Path; what is not there is
	// removed already.
	OpDelete Op = "delete"
	// OpInsert puts an item before the one at Path, which names an item of a
	// list or the place behind the last one.
	OpInsert Op = "insert"
)

// Edit is one change inside the document of an object. mesh/config makes it in
// the text, without touching anything else there.
type Edit struct {
	Op    Op     `json:"op" enum:"set,delete,insert"`
	Path  string `json:"path"`            // "spec.http[0].timeout"
	Value string `json:"value,omitempty"` // the new value as YAML; JSON is YAML too
}
