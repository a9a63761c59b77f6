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

/// A clip that a configuration can name.
protocol CatalogedClip: GradientTransform {
  static var entry: Entry<any GradientTransform> { get }
}

extension ClipByGlobalNorm: CatalogedClip {}
extension ClipByNorm: CatalogedClip {}
extension ClipByValue: CatalogedClip {}
extension AdaptiveClip: CatalogedClip {}
extension ClipByBlockRMS: CatalogedClip {}
extension AutoClip: CatalogedClip {}
extension ZClip: CatalogedClip {}
extension AdaGC: CatalogedClip {}
extension SpikeClip: CatalogedClip {}
extension SpectralClip: CatalogedClip {}
