/// Gradient clips by name.
public enum ClipCatalog {
  private static let powers = (1...8).map { "\($0)" } + ["infinity"]

  /// All clips, in the order of documentation.
  public static let entries = [
    CatalogEntry(
      "globalNorm", "limits the norm of all tensors together",
      [
        Hyperparameter("limit", nil, .positive),
        Hyperparameter("norm", "2", .choice(powers)),
        Hyperparameter("formula", "projection", .choice(["projection", "pytorch"])),
      ]),
    CatalogEntry(
      "norm", "limits the norm of every tensor by itself",
      [Hyperparameter("limit", nil, .positive)]),
    CatalogEntry(
      "value", "limits every value to -limit...limit", [Hyperparameter("limit", nil, .positive)]),
    CatalogEntry(
      "valueBox", "limits every value to lower...upper",
      [Hyperparameter("lower", nil, .number), Hyperparameter("upper", nil, .number)]),
    CatalogEntry(
      "adaptive", "limits every unit to a fraction of its weights' norm (NFNet)",
      [
        Hyperparameter("fraction", 0.01, .positive), Hyperparameter("epsilon", 1e-3, .positive),
      ]),
  ]

  /// Makes a clip.
  ///
  /// - Throws: ``HyperparameterError``.
  public static func make(
    _ name: String, values: [String: HyperparameterValue] = [:]
  ) throws -> any GradientTransform {
    let v = try entries.entry(name, kind: "clip").resolve(values)
    let clip: any GradientTransform
    switch name {
    case "globalNorm":
      let norm: VectorNorm =
        switch v.text("norm") {
        case "infinity": .infinity
        case "1": .one
        case "2": .two
        case let power: .power(Int(power) ?? 0)
        }
      clip = ClipByGlobalNorm(
        v.number("limit"), norm: norm,
        formula: v.text("formula") == "pytorch" ? .pyTorch : .projection)
    case "norm": clip = ClipByNorm(v.number("limit"))
    case "value": clip = ClipByValue(v.float("limit"))
    case "valueBox": clip = ClipByValue(lower: v.float("lower"), upper: v.float("upper"))
    default: clip = AdaptiveClip(v.number("fraction"), epsilon: v.number("epsilon"))
    }
    try clip.validate()
    return clip
  }
}
