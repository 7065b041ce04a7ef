package schema

import (
	"encoding/json"
	"maps"
	"slices"
)

// hardwareTiers: Domino's hardware tiers, every field of the public and v4 APIs.
func hardwareTiers() Kind {
	return Kind{Name: "hardwareTiers", noun: "hardware tier", check: checkTiers, Gone: "archive", OnUpdate: newSize, OnArchive: noTier, Fields: common(
		Field{Path: "name", Type: String},
		Field{Path: "nodePool", Type: String, To: "nodePools#label"},
		Field{Path: "cores", Type: Number, Unit: "cores", Fault: noCores},
		Field{Path: "coresLimit", Type: Number, Unit: "cores", Fault: noCores},
		Field{Path: "memory", Type: Bytes},
		Field{Path: "memoryLimit", Type: Bytes},
		Field{Path: "memorySwapLimit", Type: Bytes},
		Field{Path: "sharedMemoryLimit", Type: Bytes},
		Field{Path: "allowSharedMemoryToExceedDefault", Type: Bool},
		Field{Path: "gpu.count", Type: Int, Unit: "GPUs"},
		Field{Path: "gpu.key", Type: String},
		Field{Path: "centsPerMinute", Type: Number, Unit: "cents per minute"},
		Field{Path: "isDefault", Type: Bool},
		Field{Path: "isDataAnalystTier", Type: Bool},
		Field{Path: "isVisible", Type: Bool},
		Field{Path: "isGlobal", Type: Bool},
		Field{Path: "isModelApiTier", Type: Bool},
		Field{Path: "isDefaultForModelApi", Type: Bool},
		Field{Path: "archived", Type: Bool},
		Field{Path: "maxSimultaneousExecutions", Type: Int, Unit: "executions"},
		Field{Path: "overProvisioning.instances", Type: Int, Unit: "instances"},
		Field{Path: "overProvisioning.schedulingEnabled", Type: Bool},
		Field{Path: "overProvisioning.daysOfWeek", Type: Set},
		Field{Path: "overProvisioning.timezone", Type: String},
		Field{Path: "overProvisioning.fromTime", Type: Time},
		Field{Path: "overProvisioning.toTime", Type: Time},
		Field{Path: "computeClusterRestrictions", Type: Any, Fault: noTruths},
		Field{Path: "enableSpotInstances", Type: Bool},
		Field{Path: "podCustomization.additionalAnnotations.*", Type: String},
		Field{Path: "podCustomization.additionalLabels.*", Type: String},
		Field{Path: "podCustomization.additionalLimits.*", Type: String},
		Field{Path: "podCustomization.additionalRequests.*", Type: String},
		Field{Path: "podCustomization.hugepages.*", Type: String},
		Field{Path: "podCustomization.capabilities", Type: Set},
		Field{Path: "availabilityZones", Type: Set},
		Field{Path: "tags", Type: Set},
		Field{Path: "dataPlaneId", Type: String},
		Field{Path: "clusterType", Type: String, Fault: noneOf("is no kind of cluster", "Kubernetes", "ClassicAWS", "ClassicOnPremises")},
		Field{Path: "instanceType", Type: String},
		Field{Path: "region", Type: String},
		Field{Path: "subnet", Type: String},
		Field{Path: "ami", Type: String, To: "amis#image"},
		Field{Path: "roll", Type: Any, Declared: true, Places: true},
	)}
}

func noCores(v Value) string {
	if n, _ := v.Float(); n == 0 {
		return "is no amount of cores"
	}
	return ""
}

// noTruths: the restrictions are a free-form object of truth values.
func noTruths(v Value) string {
	var members map[string]*bool
	if err := json.Unmarshal([]byte(v.Text), &members); err != nil || members == nil || slices.Contains(slices.Collect(maps.Values(members)), nil) {
		return "holds more than truth values"
	}
	return ""
}
