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

	codeReference  = "DC101"
	codeBaseCycle  = "DC102"
	codeDefault    = "DC103"
	codeLimit      = "DC104"
	codeFit        = "DC105"
	codeIdentity   = "DC106"
	codeTwice      = "DC107"
	codeExactlyOne = "DC108"
	codeName       = "DC109"
	codeUnresolved = "DC110"
	codeStale      = "DC111"

	codeInstanceType = "DC112"
	codeWorldUnnamed = "DC113"

	codeSizes = "DC212"
)
