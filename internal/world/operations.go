package world

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"domctl.dev/applier"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// operation is one row of the operation table. observe nil compares the
// object's paths with what the step writes.
type operation struct {
	observe func(context.Context, *World, applier.Attempt) (applier.Status, error)
	start   func(context.Context, *World, applier.Attempt) error
	undo    func(planner.Done) []planner.Step
}

func operations() map[string]operation {
	return map[string]operation{
		"mongo.insert":                    {start: insertDocument, undo: undoInsert},
		"mongo.update":                    {start: updateDocument},
		"mongo.delete":                    {start: deleteDocument, undo: undoDelete},
		"ec2.CreateLaunchTemplateVersion": {observeVersion, createVersion, undoVersion},
		"ec2.DeleteLaunchTemplateVersion": {start: deleteVersion},
		"ec2.ModifyLaunchTemplate":        {start: modifyTemplate},
		"autoscaling.CopyLaunchConfiguration": {observe: observeConfiguration, start: copyConfiguration,
			undo: undoConfiguration},
		"autoscaling.DeleteLaunchConfiguration": {start: deleteConfiguration},
		"autoscaling.UpdateAutoScalingGroup":    {start: updateGroup},
		"eks.UpdateNodegroupConfig":             {start: scaleNodeGroup},
	}
}

// Executor finds the executor of an operation.
func (w *World) Executor(op string) (applier.Executor, bool) {
	_, ok := operations()[op]
	return executor{w}, ok
}

type executor struct{ *World }

// Observe compares one object with the attempt: done, as before, or neither.
func (e executor) Observe(ctx context.Context, a applier.Attempt) (applier.Status, error) {
	if o := operations()[a.Step.Op]; o.observe != nil {
		return o.observe(ctx, e.World, a)
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
		return applier.Status{State: applier.Unsure, Why: fmt.Sprintf("DC305: %s was begun, and is neither as before nor as written: someone else changed it; look at it, then domctl rollback or plan again", step.Object)}
	}
	return applier.Status{State: applier.Failed, Why: fmt.Sprintf("DC304: %s moved since the plan was made; plan again", step.Object)}
}

// Start makes the attempt's one write, with secrets resolved at this moment.
func (e executor) Start(ctx context.Context, a applier.Attempt) error {
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
	return refusal(operations()[a.Step.Op].start(ctx, e.World, a))
}

var errNoMatch = errors.New("DC304: the object is not as the plan saw it")

// refusal marks the answers that say the outside did nothing.
func refusal(err error) error {
	switch {
	case errors.Is(err, port.ErrThrottled), errors.Is(err, port.ErrNotPrimary), // a primary is elected within seconds
		errors.Is(err, port.ErrDuplicate), errors.Is(err, port.ErrInUse): // who made or uses it may not show yet
		return &applier.Refusal{Err: err, Retry: true}
	case errors.Is(err, errNoMatch), errors.Is(err, port.ErrDenied), errors.Is(err, port.ErrMismatch),
		errors.Is(err, port.ErrNotFound), errors.Is(err, port.ErrUnfiltered), errors.Is(err, port.ErrUnsent):
		return &applier.Refusal{Err: err}
	}
	return err
}

// readType reads the objects of one ref type in batches.
func (w *World) readType(ctx context.Context, typ string, ids []string) (map[planner.Ref]planner.Raw, error) {
	if collection, ok := strings.CutPrefix(typ, "mongo/"); ok {
		return w.readDocuments(ctx, collection, ids)
	}
	readers := map[string]func(context.Context, []string) (map[planner.Ref]planner.Raw, error){
		"ec2/image":     w.readImages,
		"ec2/template":  w.readTemplates,
		"ec2/version":   w.readVersions,
		"asg/group":     w.readGroups,
		"asg/config":    w.readConfigurations,
		"eks/nodegroup": w.readNodeGroups,
	}
	read, ok := readers[typ]
	if !ok {
		return nil, fmt.Errorf("objects of type %q are not known here", typ)
	}
	return read(ctx, ids)
}
