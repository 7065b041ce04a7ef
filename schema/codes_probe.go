package schema

// probeCodes are about the proof that a wave of a rollout asks for in Domino itself.
func probeCodes() []Code {
	return []Code{
		{"DC390", "a probe that cannot be made", "The probe of a wave is a run on a temporary copy of one of the wave's tiers, whose executors start from the new image. That takes classic executors, where an image stands on a tier, a tier in the wave, tiers that are taken from Domino's database, and Domino's API for the run.",
			"State what the message names, or leave the probe out."},
		{"DC391", "a wave is probed", "Before the wave, domctl makes a hidden tier on the new image, starts a run there, measures how long it waits for its images, stops it, and archives the tier. The wave waits for the figure.",
			"Nothing; the run takes a node of the tier's kind for some minutes."},
		{"DC392", "the probe waited too long for its images", "On the new image a run waited longer for its images than the wave allows (probe.maxPulling), so that the wave does not begin. The run is stopped and the tier archived.",
			"See what the image lacks: domctl images. Bake it, and apply with `--supersede`; or raise maxPulling."},
		{"DC393", "the probe gave no figure", "The run ended, or took too long, before Domino said that it had its images; or Domino started none. The run is stopped and the tier archived.",
			"Look at the run in Domino by the name in the message, mend what it says, and apply with `--supersede`."},
	}
}
