package translate

import "flag"

// update rewrites golden files: go test ./xds/translate -update.
var update = flag.Bool("update", false, "rewrite golden files")
