package config_test

import "flag"

var update = flag.Bool("update", false, "rewrite the expected results in testdata")
