package validate

import (
	"cmp"
	"slices"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
)

// Question is what is asked about files.
type Question int

const (
	// Alone asks about each object by itself: is the text right, and does the
	// API take it?
	Alone Question = iota
	// Together asks besides what the checks say of all the objects as one mesh:
	// what is not among them does not exist.
	Together
)

const (
	// maxInFile is how many findings are told of one file.
	maxInFile = 1_000
	// maxSpliced is how many bytes of documents are read to resolve fixes.
	maxSpliced = 8 << 20
)

// FileOptions say how files are to be read.
type FileOptions struct {
	Options
	// Namespace is where objects live that name none; empty is the default one.
	Namespace string
	// Settings of the mesh; Mesh changes what it says otherwise.
	Settings mesh.Settings
	// Mesh and Networks are the files about the mesh as a whole, where there are
	// any.
	Mesh, Networks *config.File
	Evidence       Evidence
	// Beside are objects that stand in the mesh besides those of the files. They
	// are looked at, but nothing is said about them.
	Beside []*mesh.Object
	// Live says that Beside is a running mesh that the files are to be written to:
	// nothing is assumed to be there besides, and what a write would be refused for
	// is an error.
	Live bool
	// Splices asks for Located.Splices and Located.Elsewhere.
	Splices bool
	// Only asks about one finding: the others are not told, and what would be too
	// much work for all of them is done for it.
	Only *Wanted
}

// Located is a finding together with the place in the text that it is about.
type Located struct {
	mesh.Finding
	SameAs []string
	// Object names the object as its document does: "Kind name" where the
	// document names no namespace. It is empty where the text names none.
	Object string
	// DocumentLine is the first line of the document in its file, from 1.
	DocumentLine int
	// Template is what the document was rendered from, where it says so as Helm
	// does; empty elsewhere.
	Template string
	// Splices are Fix as replacements in the file's text, where FileOptions asks for
	// them and they can be told; they all apply to the text as it is.
	Splices []config.Replacement
	// Elsewhere are the fixes that lie in other objects, where FileOptions asks for
	// them.
	Elsewhere []Amended
}

// Held is an object that stands in a file, well written or not.
type Held struct {
	Ref  mesh.Ref
	File string
	Line int    // its first line in the file, from 1
	Text []byte // of its document, or, for an item of a List, of that item
}

// Answer is what there is to say about files.
type Answer struct {
	Objects    int    // that were read
	Held       []Held // which those are, in the order of the files
	Findings   []Located
	Suppressed []Located
	Unknown    []Unknown
}

// Files answers a question about files. Findings are sorted by file and line.
//
// Objects that the API would refuse are looked at together with the others as
// far as they could be read: that one line is wrong does not hide what else is.
func Files(files []config.File, q Question, opt FileOptions) Answer {
	r := &reader{options: opt, data: make(map[string][]byte, len(files)), own: map[mesh.Ref]*mesh.Object{}, kinds: map[mesh.Kind]bool{}}
	r.inputs.Settings = opt.Settings
	for _, f := range files {
		r.data[f.Name] = f.Data
	}
	r.meshFiles()
	read := config.Options{Checks: true, Namespace: opt.Namespace, Stop: opt.Stop}
	for _, result := range read.DecodeAll(files) {
		r.take(result)
	}
	if stopped(opt.Stop) {
		return Answer{}
	}
	if q == Together {
		r.together()
		if !opt.Live {
			r.relax()
		}
	}
	if stopped(opt.Stop) {
		return Answer{}
	}
	r.decoded()
	if w := opt.Only; w != nil {
		others := func(l Located) bool { return !w.is(l.Finding) }
		r.answer.Findings = slices.DeleteFunc(r.answer.Findings, others)
		r.answer.Suppressed = slices.DeleteFunc(r.answer.Suppressed, others)
	}
	r.place()
	if opt.Splices {
		r.mend()
	}
	return r.answer
}

// reader is the work on one answer.
type reader struct {
	options FileOptions
	data    map[string][]byte
	inputs  mesh.Inputs
	own     map[mesh.Ref]*mesh.Object // what stands in the files
	// unplaced are the objects of bad documents that name no namespace.
	unplaced map[mesh.Ref]bool
	kinds    map[mesh.Kind]bool // that are said to be without an effect
	problems []mesh.Finding
	snapshot *mesh.Snapshot // all together; nil when that was not asked
	answer   Answer
}

// meshFiles reads the files about the mesh as a whole.
func (r *reader) meshFiles() {
	if f := r.options.Mesh; f != nil {
		m, found := config.DecodeMeshConfig(f.Name, f.Data)
		r.problems = append(r.problems, found...)
		if m != nil {
			r.inputs.Settings = config.Settings(r.inputs.Settings, m)
			r.keep(config.MeshObject(config.KindMeshConfig, *f, m))
		}
		r.data[f.Name] = f.Data
	}
	if f := r.options.Networks; f != nil {
		m, found := config.DecodeMeshNetworks(f.Name, f.Data)
		r.problems = append(r.problems, found...)
		if m != nil {
			r.keep(config.MeshObject(config.KindMeshNetworks, *f, m))
		}
		r.data[f.Name] = f.Data
	}
}

func (r *reader) keep(o *mesh.Object) {
	r.inputs.Objects = append(r.inputs.Objects, o)
	if _, twice := r.own[o.Ref]; !twice {
		r.own[o.Ref] = o
	}
}

// take keeps what one file holds.
func (r *reader) take(result config.Result) {
	r.answer.Objects += len(result.Objects) + len(result.Bad)
	for _, o := range result.Objects {
		r.keep(o)
		r.answer.Held = append(r.answer.Held, Held{Ref: o.Ref, File: o.Origin.File, Line: o.Origin.Line, Text: o.Text})
	}
	for _, bad := range result.Bad {
		r.answer.Held = append(r.answer.Held, Held{Ref: bad.Ref, File: result.File, Line: bad.Line, Text: bad.Text})
		if bad.Object != nil {
			r.keep(bad.Object)
		} else if bad.Unplaced {
			if r.unplaced == nil {
				r.unplaced = map[mesh.Ref]bool{}
			}
			r.unplaced[bad.Ref] = true
		}
	}
	for _, f := range result.Problems {
		if f.Code == mesh.CodeUnsupported && r.noted(&f) {
			continue
		}
		r.problems = append(r.problems, f)
	}
}

// noted turns what proxies would not be told into a note, for files may be meant
// for other meshes too. It reports whether the same was said of the kind before.
func (r *reader) noted(f *mesh.Finding) bool {
	f.Severity = mesh.Info
	if f.Path != "kind" {
		return false
	}
	f.Ref.Namespace, f.Ref.Name = "", ""
	said := r.kinds[f.Ref.Kind]
	r.kinds[f.Ref.Kind] = true
	return said
}

// together runs the checks.
func (r *reader) together() {
	for _, o := range r.options.Beside {
		if _, own := r.own[o.Ref]; !own {
			r.inputs.Objects = append(r.inputs.Objects, o)
		}
	}
	if !r.options.Partial && !r.options.Live {
		for _, o := range Assumed(r.inputs.Settings) {
			if _, own := r.own[o.Ref]; !own {
				r.inputs.Objects = append(r.inputs.Objects, o)
			}
		}
	}
	s := mesh.Collect(r.inputs)
	r.snapshot = s
	opt := r.options.Options
	opt.Bounded = true
	report := Report{}
	if w := r.options.Only; w != nil {
		_, report.Findings = only(s, r.options.Evidence, *w)
	} else {
		report = Run(s, r.options.Evidence, opt)
	}
	for _, f := range s.Findings {
		if _, own := r.own[f.Ref]; own {
			r.problems = append(r.problems, f)
		}
	}
	r.answer.Findings = r.about(report.Findings)
	r.answer.Suppressed = r.about(report.Suppressed)
	r.answer.Unknown = slices.DeleteFunc(report.Unknown, func(u Unknown) bool {
		_, own := r.own[u.Ref]
		return u.Ref.Name != "" && !own
	})
}

// relax makes warnings of errors that say nothing of how objects go together:
// that Kubernetes refuses an object is the business of Alone, and what is
// analyzed may well stand in a cluster already.
func (r *reader) relax() {
	for i := range r.problems {
		if p := &r.problems[i]; p.Code == mesh.CodeUnknownField || p.Code == mesh.CodeKubernetes {
			p.Severity = mesh.Warning
		}
	}
}

// about are the findings on objects of the files.
func (r *reader) about(list []mesh.Finding) []Located {
	var out []Located
	for _, f := range list {
		o, own := r.own[f.Ref]
		if !own && f.Code == mesh.CodeFault { // also when it is about no single object
			out = append(out, Located{Finding: f})
		}
		if own {
			f.File = o.Origin.File
			out = append(out, Located{Finding: f, SameAs: SameAs(f.Code), Object: o.Written(), DocumentLine: o.Origin.Line})
		}
	}
	return out
}

// decoded adds what decoding and merging found, unless it is kept quiet.
func (r *reader) decoded() {
	for _, f := range r.problems {
		l := Located{Finding: f, SameAs: SameAs(f.Code)}
		o := r.own[f.Ref]
		switch {
		case f.Ref.Name == "":
			l.Object = f.Ref.Kind.Name
		case o != nil && o.Ref.Name != "":
			l.Object = o.Written()
		case r.unplaced[f.Ref]:
			l.Object = mesh.Ref{Kind: f.Ref.Kind, Name: f.Ref.Name}.String()
		default:
			l.Object = f.Ref.String()
		}
		if c, ok := Find(f.Code); ok && !c.Fixed && quiet(r.options.Options, c.Code, c.SameAs, f.Ref, o) {
			r.answer.Suppressed = append(r.answer.Suppressed, l)
			continue
		}
		r.answer.Findings = append(r.answer.Findings, l)
	}
}

// place bounds how many findings there are of one file, finds their lines and
// columns, and puts them into order.
func (r *reader) place() {
	effort := maxSpliced
	for _, list := range []*[]Located{&r.answer.Findings, &r.answer.Suppressed} {
		places := r.places()
		for i := range *list {
			if l := &(*list)[i]; l.DocumentLine == 0 {
				if p := places(l.File); p != nil {
					l.DocumentLine = p.Document(l.Line)
				}
			}
		}
		slices.SortStableFunc(*list, func(a, b Located) int {
			return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.DocumentLine, b.DocumentLine))
		})
		kept, more := bounded(*list)
		*list = kept
		for i := range *list {
			l := &(*list)[i]
			if stopped(r.options.Stop) {
				return
			}
			p, o := places(l.File), r.own[l.Ref]
			if p == nil {
				continue
			}
			l.Template = p.Template(l.DocumentLine)
			if o == nil {
				continue
			}
			if l.Line == 0 {
				l.Line, l.Column = p.At(o, l.Path)
			}
			if r.options.Splices && len(l.Fix) > 0 {
				l.Splices, _ = p.Splices(o, l.Fix, &effort) // without them the fix is told in words
				l.Unsought = l.Unsought || effort < 0
			}
		}
		slices.SortStableFunc(*list, compareLocated)
		for file, last := range more {
			end := slices.IndexFunc(*list, func(l Located) bool { return l.File > file })
			if end < 0 {
				end = len(*list)
			}
			before := (*list)[end-1]
			last.DocumentLine, last.Line, last.Column = before.DocumentLine, before.Line, before.Column
			*list = slices.Insert(*list, end, last)
		}
	}
}

// places gives the places of files by their names; nil for what is no file.
func (r *reader) places() func(file string) *config.Places {
	made := map[string]*config.Places{}
	return func(file string) *config.Places {
		data, known := r.data[file]
		if p := made[file]; p != nil || !known {
			return p
		}
		made[file] = config.PlacesOf(data)
		return made[file]
	}
}

func compareLocated(a, b Located) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), mesh.CompareFindings(a.Finding, b.Finding))
}

// bounded leaves out what there is of one file beyond maxInFile. In more it gives
// a finding for each such file that says so, as severe as the worst of them.
func bounded(list []Located) (kept []Located, more map[string]Located) {
	for from := 0; from < len(list); {
		to := from
		for to < len(list) && list[to].File == list[from].File {
			to++
		}
		end := min(to, from+maxInFile)
		kept = append(kept, list[from:end]...)
		if rest := list[end:to]; len(rest) > 0 {
			last := slices.MinFunc(rest, func(a, b Located) int { return cmp.Compare(Rank(a.Severity), Rank(b.Severity)) })
			last.Message = config.AndMore(len(rest), "finding")
			last.Params, last.Related, last.Fix, last.Path = nil, nil, nil, ""
			if more == nil {
				more = map[string]Located{}
			}
			more[list[from].File] = last
		}
		from = to
	}
	return kept, more
}

// Rank orders severities: 0 is an error, and the worst.
func Rank(s mesh.Severity) int {
	return slices.Index([]mesh.Severity{mesh.Error, mesh.Warning, mesh.Info}, s)
}

// Live is what there is to say about the running mesh, whose findings others
// have made.
func Live(findings []mesh.Finding, suppress []Suppression) Answer {
	var a Answer
	for _, f := range findings {
		l := Located{Finding: f, SameAs: SameAs(f.Code)}
		if f.Ref.Name != "" {
			l.Object = f.Ref.String()
		}
		if c, ok := Find(f.Code); ok && !c.Fixed && quiet(Options{Suppress: suppress}, c.Code, c.SameAs, f.Ref, nil) {
			a.Suppressed = append(a.Suppressed, l)
			continue
		}
		a.Findings = append(a.Findings, l)
	}
	return a
}
