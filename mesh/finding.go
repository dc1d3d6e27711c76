package mesh

// Severity of a finding.
type Severity string

const (
	Error   Severity = "error"
	Warning Severity = "warning"
	Info    Severity = "info"
)

// Phase says which part of the product found something. It decides when a
// finding clears: with the object's content for decode, check, translate and
// delivery; with the next word of the source for source; with the observed
// state for runtime.
type Phase string

const (
	PhaseDecode    Phase = "decode"
	PhaseCheck     Phase = "check"
	PhaseTranslate Phase = "translate"
	PhaseDelivery  Phase = "delivery"
	PhaseRuntime   Phase = "runtime"
	PhaseSource    Phase = "source"
)

// Finding is one problem, told to the person who can mend it. It is a value:
// nothing stops because of it but the object it names.
type Finding struct {
	Code     string            `json:"code"`
	Severity Severity          `json:"severity"`
	Phase    Phase             `json:"phase"`
	Ref      Ref               `json:"ref"`
	Path     string            `json:"path,omitempty"` // field path: "spec.http[0].route[1].weight"
	Message  string            `json:"message"`        // what is wrong and what to do, one or two sentences
	Params   map[string]string `json:"params,omitempty"`
	Related  []Ref             `json:"related,omitempty"`
	Fix      []Edit            `json:"fix,omitempty"` // edits of the object's text that mend it
	// Unsought says that there may be a fix besides that nobody looked for, since
	// so much is wrong; it is looked for when somebody asks about this finding alone.
	Unsought bool `json:"unsought,omitempty"`

	// Where the text is, when the finding was made from text. Line and Column
	// count from 1; 0 is "unknown".
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
}

// Codes of findings that are not checks. Checks number from HDL1001; see
// mesh/validate.
const (
	CodeSyntax       = "HDL0001" // the text is not YAML or JSON
	CodeSchema       = "HDL0002" // wrong type, bad enum, duplicate key
	CodeUnknownField = "HDL0003" // a field that the kind does not have
	CodeUnsupported  = "HDL0004" // a kind or field that is not translated yet
	CodeDuplicate    = "HDL0005" // the same object twice
	CodeSourceAway   = "HDL0006" // a source failed; its last word stands
	CodeLeftBehind   = "HDL0007" // gone from its manifest, but changed since it was applied from there
	CodeFault        = "HDL0008" // a check broke off, by a fault of its own
	CodeTranslate    = "HDL0010" // an object could not be translated as written
	CodeUnknownHost  = "HDL0011" // a route names a host or subset that nobody defines
	CodeRejected     = "HDL0020" // a proxy refused what came of the object
	CodePod          = "HDL0030" // a pod does not run as asked
	CodePort         = "HDL0031" // a port of this machine is taken
	CodeHostConflict = "HDL0032" // two services claim one address, host port or host name
	CodeNoNamespace  = "HDL0033" // an object lies in a namespace that nothing else knows
)

// Codes of what the API of a kind says of one object; see config.Check.
const (
	CodeStructure        = "HDL1001" // a value that the API itself refuses
	CodeStructureWarning = "HDL1002" // a value that the API takes, with a warning
	CodeKubernetes       = "HDL1003" // what only Kubernetes refuses: by its own kinds, metadata, and schemas of CRDs
)

// Set is an effective setting together with the objects that decided it, the
// last word first, so that "why is this so?" has an answer.
type Set[T any] struct {
	Value T
	From  []Ref
}
