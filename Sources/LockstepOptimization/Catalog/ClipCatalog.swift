/// Gradient clips by name.
public enum ClipCatalog {
  private static let powers = (1...8).map { "\($0)" } + ["infinity"]
  private static let scope = Hyperparameter("scope", .texts([]), .patterns)

  /// All clips, in the order of documentation.
  public static let entries = [
    CatalogEntry(
      "globalNorm", "limits the norm of all tensors together",
      [
        Hyperparameter("limit", nil, .positive),
        Hyperparameter("norm", "2", .choice(powers)),
        Hyperparameter("formula", "projection", .choice(["projection", "pytorch"])), scope,
      ]),
    CatalogEntry(
      "norm", "limits the norm of every tensor by itself",
      [Hyperparameter("limit", nil, .positive), scope]),
    CatalogEntry(
      "value", "limits every value to -limit...limit",
      [Hyperparameter("limit", nil, .positive), scope]),
    CatalogEntry(
      "valueBox", "limits every value to lower...upper",
      [Hyperparameter("lower", nil, .number), Hyperparameter("upper", nil, .number), scope]),
    CatalogEntry(
      "adaptive", "limits every unit to a fraction of its weights' norm (NFNet)",
      [
        Hyperparameter("fraction", 0.01, .positive), Hyperparameter("epsilon", 1e-3, .positive),
        scope,
      ]),
    CatalogEntry(
      "blockRMS", "limits the root mean square of every tensor by itself (Adafactor)",
      [Hyperparameter("limit", 1, .positive), scope]),
    CatalogEntry(
      "autoClip", "limits the global norm to a percentile of the latest norms",
      [
        Hyperparameter("percentile", 10, AutoClip.percentiles),
        Hyperparameter("window", 1024, AutoClip.windows),
        Hyperparameter("warmup", 0, .integer(atLeast: 0)), scope,
      ]),
    CatalogEntry(
      "zClip", "limits the global norm where it is a spike beside the norms before it",
      [
        Hyperparameter("alpha", 0.97, .decayRate), Hyperparameter("threshold", 2.5, .positive),
        Hyperparameter("warmup", 25, .integer(atLeast: 1)),
        Hyperparameter(
          "adjustment", "reciprocal", .choice(ZClip.Adjustment.allCases.map(\.rawValue))),
        // 0: no maximum.
        Hyperparameter("maximum", 0, .nonNegative), Hyperparameter("epsilon", 0, .nonNegative),
        scope,
      ]),
  ]

  /// Makes a clip.
  ///
  /// - Throws: ``HyperparameterError``.
  public static func make(
    _ name: String, values: [String: HyperparameterValue] = [:]
  ) throws -> any GradientTransform {
    let v = try entries.entry(name, kind: "clip").resolve(values)
    let scope = v.texts("scope")
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
        formula: v.text("formula") == "pytorch" ? .pyTorch : .projection, scope: scope)
    case "norm": clip = ClipByNorm(v.number("limit"), scope: scope)
    case "value": clip = ClipByValue(v.float("limit"), scope: scope)
    case "valueBox":
      clip = ClipByValue(lower: v.float("lower"), upper: v.float("upper"), scope: scope)
    case "blockRMS": clip = ClipByBlockRMS(v.number("limit"), scope: scope)
    case "autoClip":
      clip = AutoClip(
        percentile: v.number("percentile"), window: v.integer("window"),
        warmup: v.integer("warmup"), scope: scope)
    case "zClip":
      let maximum = v.number("maximum")
      clip = ZClip(
        alpha: v.number("alpha"), threshold: v.number("threshold"), warmup: v.integer("warmup"),
        adjustment: ZClip.Adjustment(rawValue: v.text("adjustment")) ?? .reciprocal,
        maximum: maximum == 0 ? nil : maximum, epsilon: v.number("epsilon"), scope: scope)
    default:
      clip = AdaptiveClip(v.number("fraction"), epsilon: v.number("epsilon"), scope: scope)
    }
    try clip.validate()
    return clip
  }
}
