import LockstepCatalog

/// The gradient clips that a configuration can name.
package enum ClipCatalog {
  /// The clips, in the order of documentation.
  package static let catalog = Catalog<any GradientTransform>(
    "clip",
    [
      ClipByGlobalNorm.entry, ClipByNorm.entry, ClipByValue.entry, ClipByValue.boxEntry,
      AdaptiveClip.entry, ClipByBlockRMS.entry, AutoClip.entry, ZClip.entry,
      AdaGC.entry, SpikeClip.entry, SpectralClip.entry, Centralize.entry, GradientNoise.entry,
    ]
  ).number { ["type": "globalNorm", "limit": $0] }.checked { clip, values in
    let scope: [String] = values["scope"]
    guard !scope.contains("") else {
      throw values.error("scope", "must not hold an empty pattern")
    }
    try clip.validate()
  }
}
