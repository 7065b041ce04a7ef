package compiler

// Codes of this package's findings; schema.Codes explains them.
const (
	codeMalformed    = "DC001"
	codeUnknownField = "DC002"
	codeMisfit       = "DC003"
	codeConflict     = "DC004"
	codeMissing      = "DC005"
	codeUnknownRoot  = "DC006"
	codeFailed       = "DC007"
	codeNoDeployment = "DC008"
	codeStray        = "DC010"
	codeLink         = "DC011"
	codeDependency   = "DC012"
	codeTime         = "DC013"
	codeMemory       = "DC014"
	codeSize         = "DC015"
	codeVendored     = "DC016"
	codeLeftOut      = "DC017"
	codeDenied       = "DC018"
	codeHidden       = "DC019"

	codeTwice      = "DC107"
	codeExactlyOne = "DC108"
	codeName       = "DC109"
	codeForm       = "DC127"
	codeText       = "DC129"
)
