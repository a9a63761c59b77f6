import LockstepCatalog
import LockstepFiles
import LockstepFold
import LockstepTraining

// How objects that only the trainer knows stand in a configuration.

extension WirePrecision {
  static let form: Form = {
    var form = Form(
      "wire",
      variants: [
        .init("float32", "gradients travel as they are"),
        .init(
          "bfloat16", "gradients take two bytes a value between nodes",
          [
            .with(
              "level", .integer(0...15), 0,
              "with `bfloat16`: sums of 2^level shards and more are rounded; below log₂ of `shards`"
            )
          ]),
      ], fallback: "float32")
    form.summary =
      "`bfloat16`: gradients take two bytes a value between nodes; sums are rounded by the tree, so that "
      + "the bits still do not depend on the ranks ([fold.md](fold.md)). Part of the result"
    form.refusal = { reader throws(ConfigurationError) in
      guard reader.contains("level"), ["float32", nil].contains(reader.peek("type")) else { return }
      throw reader.error("level", "goes with the type 'bfloat16'; remove it, or set the type")
    }
    return form
  }()

  /// - Parameter shards: those of the run.
  init(_ values: Hyperparameters?, shards: Int) throws(ConfigurationError) {
    guard let values, values.name == "bfloat16" else {
      self = .float32
      return
    }
    guard shards > 1 else {
      throw values.error(
        "type", "is bfloat16, and with one shard no gradient travels: set shards to 2 or more")
    }
    let (level, most): (Int, Int) = (values["level"], shards.trailingZeroBitCount - 1)
    guard level <= most else {
      throw values.error("level", "must be an integer from 0 to \(most); found \(level)")
    }
    self = .bfloat16(level: level)
  }
}

extension NonFinitePolicy {
  private static let limit = Hyperparameter.with(
    "limit", .integer(atLeast: 1), 10, "the skipped steps in a row that end the run")

  static let form: Form = Form(
    "nonFinite",
    variants: [
      .init("stop", "the run ends"), .init("skip", "the step is left out", [limit]),
      .init(
        "sanitize", "the gradient is repaired",
        [limit, .with("replace", Repair.shards, "what is left out of the gradient")]),
    ], key: "policy")

  /// - Parameter values: the run's.
  init(_ values: Hyperparameters) {
    guard let object = values.object("nonFinite") else {
      let name: String = values["nonFinite"]
      self = name == "skip" ? .skip() : name == "sanitize" ? .sanitize() : .stop
      return
    }
    switch object.name {
    case "skip": self = .skip(limit: object["limit"])
    case "sanitize": self = .sanitize(object["replace"], limit: object["limit"])
    default: self = .stop
    }
  }
}

extension NonFinitePolicy.Repair: HyperparameterValue {}

extension HessianFreeOptions {
  static let form: Form = {
    let usual = HessianFreeOptions()
    return Form(
      "hessianFree",
      [
        .with("damping", .positive, .number(usual.damping), "the damping λ of the first step"),
        .with(
          "dampingFactor", .number(NumberRange(above: 1)), .number(usual.dampingFactor),
          "what λ is multiplied or divided by"),
        .with(
          "structuralDamping", .nonNegative, .number(usual.structuralDamping),
          "μ of the term ½ · λ · μ · ‖ḣ‖² for the states h of recurrent layers"),
        .with(
          "iterations", .integer(atLeast: 1), .integer(usual.iterations),
          "the most iterations of conjugate gradients"),
        .with(
          "tolerance", .number(NumberRange(from: 0, below: 1)), .number(usual.tolerance),
          "the relative improvement an iteration below which they end"),
        .with(
          "decay", .fraction, .number(usual.decay),
          "the part of the last direction that they start from"),
        .with(
          "probes", .integer(atLeast: 0), .integer(usual.probes),
          "random draws that estimate the curvature's diagonal"),
        .optional(
          "curvatureExamples", .integer(atLeast: 1), "the examples of the products",
          absence: "all"),
        .with(
          "weightDecay", .nonNegative, .number(usual.weightDecay),
          "½ · weightDecay · ‖θ‖² is a term of the objective"),
        .with(
          "lineSearchFactor", .number(NumberRange(above: 0, below: 1)),
          .number(usual.lineSearchFactor), "the length of a trial over that of the one before"),
        .with(
          "lineSearchTrials", .integer(atLeast: 1), .integer(usual.lineSearchTrials),
          "the most trials of the line search"),
        .with(
          "sufficientDecrease", .number(NumberRange(from: 0, below: 1)),
          .number(usual.sufficientDecrease),
          "the part of the promised decrease that a step must reach"),
      ])
  }()

  init(_ values: Hyperparameters) {
    self.init()
    damping = values["damping"]
    dampingFactor = values["dampingFactor"]
    structuralDamping = values["structuralDamping"]
    iterations = values["iterations"]
    tolerance = values["tolerance"]
    decay = values["decay"]
    probes = values["probes"]
    curvatureExamples = values["curvatureExamples"]
    weightDecay = values["weightDecay"]
    lineSearchFactor = values["lineSearchFactor"]
    lineSearchTrials = values["lineSearchTrials"]
    sufficientDecrease = values["sufficientDecrease"]
  }
}
