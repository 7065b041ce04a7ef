package world

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"domctl.dev/applier"
	"domctl.dev/internal/operation"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// operations are the rows of this package, each of one call. Deletes are
// the way back from what made the object, or what retain and gc do.
func (w *World) operations() applier.Operations {
	one := func(start start) applier.Executor { return single{w, nil, start} }
	return applier.Operations{
		operation.InsertDocument: {Executor: one(insertDocument), Undo: undoInsert, Tool: "mongosh", Command: insertCommand, Calls: []string{"InsertOne"}},
		operation.UpdateDocument: {Executor: one(updateDocument), Tool: "mongosh", Command: updateCommand, Calls: []string{"UpdateOne"}},
		operation.DeleteDocument: {Executor: one(deleteDocument), Undo: undoDelete, Tool: "mongosh", Command: deleteCommand, Calls: []string{"DeleteOne"}},
		operation.CreateLaunchTemplateVersion: {Executor: single{w, observeVersion, createVersion}, Undo: undoVersion,
			Tool: "aws", Command: createVersionCommand, Calls: []string{"ec2:CreateLaunchTemplateVersion"}},
		operation.DeleteLaunchTemplateVersion: {Executor: one(deleteVersion),
			Tool: "aws", Command: deleteVersionCommand, Calls: []string{"ec2:DeleteLaunchTemplateVersions"}},
		operation.CreateLaunchTemplate: {Executor: single{w, observeTemplate, createTemplate}, Undo: undoTemplate,
			Tool: "aws", Command: createTemplateCommand, Calls: []string{"ec2:CreateLaunchTemplate"}},
		operation.DeleteLaunchTemplate: {Executor: one(deleteTemplate),
			Tool: "aws", Command: deleteTemplateCommand, Calls: []string{"ec2:DeleteLaunchTemplate"}},
		operation.ModifyLaunchTemplate: {Executor: one(modifyTemplate),
			Tool: "aws", Command: modifyTemplateCommand, Calls: []string{"ec2:ModifyLaunchTemplate"}},
		operation.CopyLaunchConfiguration: {Executor: single{w, observeConfiguration, copyConfiguration}, Undo: undoConfiguration,
			Tool: "aws", Command: copyCommand, Calls: []string{"autoscaling:CreateLaunchConfiguration"}},
		operation.DeleteLaunchConfiguration: {Executor: one(deleteConfiguration),
			Tool: "aws", Command: deleteConfigurationCommand, Calls: []string{"autoscaling:DeleteLaunchConfiguration"}},
		operation.UpdateAutoScalingGroup: {Executor: one(updateGroup),
			Tool: "aws", Command: updateGroupCommand, Calls: []string{"autoscaling:UpdateAutoScalingGroup"}},
		operation.EnableImageDeprecation: {Executor: one(deprecateImage), Tool: "aws", Command: deprecateCommand,
			Calls: []string{"ec2:EnableImageDeprecation", "ec2:DisableImageDeprecation"}},
		operation.DeregisterImage:        {Executor: one(deregisterImage), Tool: "aws", Command: deregisterCommand, Calls: []string{"ec2:DeregisterImage"}},
		operation.ModifyLaunchPermission: {Executor: one(share), Tool: "aws", Command: shareCommand, Calls: []string{"ec2:ModifyImageAttribute"}},
		operation.SetDefaultEnvironment:  {Executor: one(setDefault), Tool: "curl", Command: defaultCommand, Calls: []string{"SetDefaultEnvironment"}},
		operation.ActivateRevision:       {Executor: single{w, observeActive, activate}, Undo: undoActivate, Tool: "curl", Command: activateCommand, Calls: []string{"SetActiveRevision"}},
		operation.ArchiveEnvironment:     {Executor: one(archiveEnvironment), Tool: "curl", Command: archiveCommand, Calls: []string{"ArchiveEnvironment", "UpdateOne"}},
		operation.ShareEnvironment:       {Executor: one(shareEnvironment), Tool: "curl", Command: shareEnvironmentCommand, Calls: []string{"ShareEnvironment"}},
		operation.CreateTier:             {Executor: one(createTier), Undo: undoCreateTier, Tool: "curl", Command: createTierCommand, Calls: []string{"CreateTier"}},
		operation.PutTier:                {Executor: one(putTier), Tool: "curl", Command: putTierCommand, Calls: []string{"UpdateTier"}},
		operation.ArchiveTier:            {Executor: one(archiveTier), Tool: "curl", Command: archiveTierCommand, Calls: []string{"ArchiveTier"}},
		operation.SetDefaultTier:         {Executor: single{w, observeDefaultTier, setDefaultTier}, Tool: "curl", Command: defaultTierCommand, Calls: []string{"UpdateTier"}},
		operation.CreateSetting:          {Executor: single{w, observeSetting, createSetting}, Undo: undoSetting(undoInsert), Tool: "curl", Command: createSettingCommand, Calls: []string{"CreateSetting"}},
		operation.PutSetting:             {Executor: single{w, observeSetting, putSetting}, Tool: "curl", Command: putSettingCommand, Calls: []string{"UpdateSetting"}},
		operation.DeleteSetting:          {Executor: one(deleteSetting), Undo: undoSetting(undoDelete), Tool: "curl", Command: deleteSettingCommand, Calls: []string{"DeleteSetting"}},
		operation.SetImageTerms:          {Executor: one(switchClass), Tool: "kubectl", Command: switchClassCommand, Calls: []string{"SetImageTerms"}},
		operation.SetLimits:              {Executor: one(setLimits), Tool: "kubectl", Command: limitsCommand, Calls: []string{"SetLimits"}},
		operation.UpdateTags:             {Executor: one(updateTags), Tool: "aws", Command: updateTagsCommand, Calls: []string{"autoscaling:CreateOrUpdateTags", "autoscaling:DeleteTags"}},
		operation.UpdateNodegroupConfig: {Executor: single{w, observeConfig, configure},
			Tool: "aws", Command: configCommand, Calls: []string{"eks:UpdateNodegroupConfig"}},
	}
}

// Operations is the whole table: the rows of this package, and Long.
func (w *World) Operations() applier.Operations {
	all := w.operations()
	maps.Copy(all, w.removals())
	maps.Copy(all, w.Long)
	for op, command := range map[string]func(applier.Manual) string{operation.BuildRevision: buildCommand, operation.CreateEnvironment: createCommand} {
		if row, known := all[op]; known {
			row.Command = command
			all[op] = row
		}
	}
	return all
}

// Executor finds the executor of an operation.
func (w *World) Executor(op string) (applier.Executor, bool) {
	row, ok := w.Operations()[op]
	return row.Executor, ok
}

type (
	observe func(context.Context, *World, applier.Attempt) (applier.Status, error)
	start   func(context.Context, *World, applier.Attempt) error
)

// single is the executor of an operation of one call. observe nil compares the
// object's paths with what the step writes.
type single struct {
	*World
	observe observe
	start   start
}

// Observe compares one object with the attempt: done, as before, or neither.
func (e single) Observe(ctx context.Context, a applier.Attempt) (applier.Status, error) {
	if e.observe != nil {
		return e.observe(ctx, e.World, a)
	}
	raw, err := e.Read(ctx, []planner.Ref{a.Step.Object})
	if err != nil {
		return applier.Status{}, err
	}
	return e.judge(a, raw[a.Step.Object]), nil
}

func (w *World) judge(a applier.Attempt, live planner.Raw) applier.Status {
	step := a.Step
	step.Writes = a.Want
	switch done, before := step.Stands(live, w.Same); {
	case done:
		return applier.Status{State: applier.Finished}
	case before && a.Abort:
		return applier.Status{State: applier.Undone}
	case before:
		return applier.Status{State: applier.Next}
	case len(a.Begun) > 0:
		return applier.Status{State: applier.Unsure, Why: fmt.Sprintf("DC305: %s was begun, and is neither as before nor as written: someone else changed it; look at it: domctl explain DC305 says how to go on", step.Object)}
	}
	return applier.Status{State: applier.Failed, Why: fmt.Sprintf("DC304: %s moved since the plan was made; plan again", step.Object)}
}

// Start makes the attempt's one write, with secrets resolved at this moment.
func (e single) Start(ctx context.Context, a applier.Attempt) error {
	writes := make(map[string]schema.Value, len(a.Step.Writes))
	for p, v := range a.Step.Writes {
		if v.Is == schema.Secret {
			var err error
			if v, err = e.Secret(ctx, v.Text); err != nil {
				return &applier.Refusal{Err: err}
			}
		}
		writes[p] = v
	}
	a.Step.Writes = writes
	return refusal(e.start(ctx, e.World, a))
}

var errNoMatch = errors.New("DC304: the object is not as the plan saw it")

// refusal marks the answers that say the outside did nothing.
func refusal(err error) error {
	var said *applier.Refusal
	if errors.As(err, &said) {
		return err
	}
	if errors.Is(err, errNoMatch) {
		return &applier.Refusal{Err: err}
	}
	if refused, again := port.Refused(err); refused {
		return &applier.Refusal{Err: err, Retry: again}
	}
	return err
}

// readNothing is of what has no id of its own: the image or the revision that is about
// to be made.
func readNothing(context.Context, []string) (map[planner.Ref]planner.Raw, error) {
	return map[planner.Ref]planner.Raw{}, nil
}

// readType reads the objects of one ref type in batches.
func (w *World) readType(ctx context.Context, typ string, ids []string) (map[planner.Ref]planner.Raw, error) {
	if collection, ok := strings.CutPrefix(typ, "mongo/"); ok {
		return w.readDocuments(ctx, collection, ids)
	}
	readers := map[string]func(context.Context, []string) (map[planner.Ref]planner.Raw, error){
		"ec2/image":          w.readImages,
		"ec2/template":       w.readTemplates,
		"ec2/version":        w.readVersions,
		"ec2/named":          w.readNamedTemplates,
		"asg/group":          w.readGroups,
		"asg/config":         w.readConfigurations,
		"eks/nodegroup":      w.readNodeGroups,
		"karpenter/nodepool": some(nodePoolRef, w.readNodePools),
		"karpenter/class":    some(nodeClassRef, w.readNodeClasses),
		"ec2/copy":           w.readCopies,
		"ec2/permission":     w.readPermissions,
		"bake/image":         readNothing,
		"bake/copy":          readNothing,
		"ec2/borrowed":       w.readBorrowed,
		"domino/environment": w.readActive,
		"domino/revision":    readNothing,
		"domino/default":     w.readDefault,
		"domino/named":       w.readNamed,
		apiTiers:             w.readTiers,
		apiSettings:          w.readSettings,
		"domino/defaultTier": w.readDefaultTier,
		"domino/probe":       readNothing,
	}
	maps.Copy(readers, w.taggedReaders())
	read, ok := readers[typ]
	if !ok {
		return nil, fmt.Errorf("objects of type %q are not known here", typ)
	}
	return read(ctx, ids)
}
