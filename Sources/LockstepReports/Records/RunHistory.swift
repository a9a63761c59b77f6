import LockstepFiles

/// What a run logged: a record a step, a record an evaluation.
package struct RunHistory: Sendable {
  /// One step.
  package struct Step: Sendable, Equatable {
    /// The number of the step, from 1.
    package let step: Int
    /// The mean loss.
    package let loss: Double
    /// The Euclidean norm of the gradient before clipping.
    package let gradientNorm: Double
    /// Its norm after clipping.
    package let clippedGradientNorm: Double
    /// Whether clipping changed it.
    package let clipped: Bool
    /// The learning rate.
    package let learningRate: Double
    /// Examples a second.
    package let examplesPerSecond: Double
    /// Whether the step was skipped because something was not finite.
    package let skipped: Bool
    /// Whether something that was not finite was taken out of it.
    package let sanitized: Bool
    /// How a Hessian-free step found its direction.
    package let hessianFree: HessianFree?
    /// The norms of examples' gradients, where each is limited.
    package let exampleNorms: ExampleNorms?
    /// The metrics on the batch, in the order of ``RunHistory/metricNames``.
    package let metrics: [Double]

    /// What clipping multiplied the gradient by; 1 where it changed nothing.
    package var coefficient: Double {
      clipped && gradientNorm > 0 ? clippedGradientNorm / gradientNorm : 1
    }

    /// A step with these numbers.
    package init(
      step: Int, loss: Double, gradientNorm: Double, clippedGradientNorm: Double, clipped: Bool,
      learningRate: Double = 0, examplesPerSecond: Double = 0, skipped: Bool = false,
      sanitized: Bool = false, hessianFree: HessianFree? = nil, metrics: [Double] = [],
      exampleNorms: ExampleNorms? = nil
    ) {
      self.step = step
      self.loss = loss
      self.gradientNorm = gradientNorm
      self.clippedGradientNorm = clippedGradientNorm
      self.clipped = clipped
      self.learningRate = learningRate
      self.examplesPerSecond = examplesPerSecond
      self.skipped = skipped
      self.sanitized = sanitized
      self.hessianFree = hessianFree
      self.metrics = metrics
      self.exampleNorms = exampleNorms
    }
  }

  /// What a step logs of the norms of its examples' gradients before clipping.
  package struct ExampleNorms: Sendable, Equatable {
    /// Which percentiles are logged.
    package static let percentiles = [10, 50, 75, 90, 99]

    /// The norms below which that percentage of all lies.
    package let percentiles: [Double]
    /// The share of the examples that were clipped.
    package let clippedFraction: Double
    /// Whether the run is private.
    package let isPrivate: Bool

    package init(percentiles: [Double], clippedFraction: Double, isPrivate: Bool) {
      self.percentiles = percentiles
      self.clippedFraction = clippedFraction
      self.isPrivate = isPrivate
    }

    /// Reads what a line says under ``keys``; nil where it says nothing.
    fileprivate init?(_ values: ArraySlice<JSONValue?>) {
      let numbers = values.map { $0?.number }
      let found = numbers.dropFirst(2).compactMap { $0 }
      guard let clipped = numbers[0], found.count == Self.percentiles.count else { return nil }
      self.init(percentiles: found, clippedFraction: clipped, isPrivate: numbers[1] != nil)
    }

    fileprivate static let keys =
      ["clippedExamples", "epsilon"] + percentiles.map { "exampleNorm.p\($0)" }
  }

  /// What a Hessian-free step logs beside.
  package struct HessianFree: Sendable, Equatable {
    /// The iterations of conjugate gradients.
    package let iterations: Int
    /// λ.
    package let damping: Double
    /// The part of the direction that was taken.
    package let stepLength: Double
    /// The time of the step over that of its gradient.
    package let gradientEquivalents: Double

    /// Reads what a line says; nil for another kind of step.
    init?(_ value: JSONValue?) {
      guard let value, let iterations = value["iterations"]?.integerValue,
        let damping = value["damping"]?.number, let stepLength = value["stepLength"]?.number
      else { return nil }
      self.iterations = iterations
      self.damping = damping
      self.stepLength = stepLength
      gradientEquivalents = value["gradientEquivalents"]?.number ?? .nan
    }
  }

  /// One evaluation.
  package struct Evaluation: Sendable, Equatable {
    /// What was evaluated: `test` for the weights, `average` for their average.
    package let name: String
    /// The number of steps before it.
    package let step: Int
    /// The mean loss.
    package let loss: Double
    /// The metrics by name, in order.
    package let metrics: [(name: String, value: Double)]

    /// Reads what a line says; nil where it has no step or no loss.
    init?(_ value: JSONValue) {
      guard let step = value["step"]?.integerValue, let loss = value["loss"]?.number else {
        return nil
      }
      name = value["evaluation"]?.stringValue ?? "test"
      self.step = step
      self.loss = loss
      let known: Set<String> = ["step", "epoch", "evaluation", "loss", "examples"]
      metrics = (value.objectValue?.members ?? []).compactMap { key, value in
        known.contains(key) ? nil : value.number.map { (key, $0) }
      }
    }

    package static func == (left: Self, right: Self) -> Bool {
      left.name == right.name && left.step == right.step && left.loss == right.loss
        && left.metrics.elementsEqual(right.metrics) { $0 == $1 }
    }
  }

  /// How the run ended, as `outcome.json` says.
  package struct Ending: Sendable, Equatable {
    /// `done`, `interrupted`, `failed`, or `running` where nobody was left to write how it ended; nil
    /// where the file is damaged.
    package let kind: String?
    /// The number of steps that were done then; nil where the file does not say.
    package let step: Int?
    /// The number of steps of the whole run; nil where the file does not say.
    package let totalSteps: Int?
    /// What went wrong, where something did.
    package let message: String?
    /// The fingerprint of the final weights, where the run came to its end.
    package let fingerprint: String?

    /// An end of this kind.
    package init(
      kind: String?, step: Int? = nil, totalSteps: Int? = nil, message: String? = nil,
      fingerprint: String? = nil
    ) {
      self.totalSteps = totalSteps
      self.kind = kind
      self.step = step
      self.message = message
      self.fingerprint = fingerprint
    }
  }

  /// The steps, in order.
  package let steps: [Step]
  /// The names of the metrics on batches.
  package let metricNames: [String]
  /// The evaluations, in order.
  package let evaluations: [Evaluation]
  /// How the run ended; nil where nothing says it.
  package let ending: Ending?
  /// What the run warned of, and behind which steps.
  package let warnings: [(step: Int, text: String)]

  /// A history of these steps.
  package init(
    steps: [Step], metricNames: [String] = [], evaluations: [Evaluation] = [],
    ending: Ending? = nil, warnings: [(step: Int, text: String)] = []
  ) {
    self.warnings = warnings
    self.steps = steps
    self.metricNames = metricNames
    self.evaluations = evaluations
    self.ending = ending
  }

  /// Reads `metrics.jsonl` and `evaluations.jsonl` of a run directory, line by line, and
  /// `outcome.json`. A last line that is not whole, as a crash leaves one, is passed over.
  ///
  /// - Throws: `FileError` where the directory holds no run, or a line is damaged: no JSON, without a
  ///   number that belongs there, or of a step that is out of order.
  package init(directory: String) throws(FileError) {
    ending = Self.ending("\(directory)/outcome.json")
    let metrics = "\(directory)/metrics.jsonl"
    // A run that ended before its first step may have logged nothing.
    (steps, metricNames) =
      ending != nil && FileKind(metrics) == .missing ? ([], []) : try Self.steps(metrics)
    let path = "\(directory)/evaluations.jsonl"
    evaluations = FileKind(path) == .regular ? try Self.evaluations(path) : []
    warnings = try Self.warnings("\(directory)/warnings.jsonl")
  }

  /// The warnings of a file; none where there is none. Lines that say nothing are passed over.
  private static func warnings(_ path: String) throws(FileError) -> [(step: Int, text: String)] {
    guard FileKind(path) == .regular else { return [] }
    var warnings: [(step: Int, text: String)] = []
    try FileInput(path).forEachLine { line throws(FileError) in
      let value = try? JSONValue.parse(Array(line.bytes), source: path)
      guard let step = value?["step"]?.integerValue, let text = value?["warning"]?.stringValue
      else { return }
      warnings.append((step, text))
    }
    return warnings
  }

  /// The evaluation with the highest value of a metric, the last one of equals; nil where none has the
  /// metric as a number.
  func best(_ metric: String) -> (step: Int, value: Double)? {
    var best: (step: Int, value: Double)?
    for evaluation in evaluations {
      guard let value = evaluation.metrics.first(where: { $0.name == metric })?.value,
        !value.isNaN, value >= best?.value ?? -.infinity
      else { continue }
      best = (evaluation.step, value)
    }
    return best
  }

  /// What an outcome file says; nil where there is none.
  static func ending(_ path: String) -> Ending? {
    guard FileKind(path) == .regular else { return nil }
    let content = try? FileInput.contents(of: path, limit: 1 << 20)
    let file = content.flatMap { try? JSONValue.parse($0, source: path) }
    return Ending(
      kind: file?["outcome"]?.stringValue, step: file?["step"]?.integerValue,
      totalSteps: file?["totalSteps"]?.integerValue,
      message: file?["message"]?.stringValue, fingerprint: file?["fingerprint"]?.stringValue)
  }

  private static let stepKeys =
    [
      "step", "loss", "gradientNorm", "clippedGradientNorm", "learningRate", "examplesPerSecond",
      "clipped", "skipped", "sanitized", "hessianFree",
    ] + ExampleNorms.keys

  /// What a line has beside ``stepKeys`` and metrics.
  private static let otherKeys: Set<String> = [
    "epoch", "examples", "coefficient", "clippedFraction", "notFinite", "parameterNorms",
    "exampleNorm",
  ]

  /// The numbers of a line that are none of those that every line has.
  private static func metricNames(_ line: UnsafeRawBufferPointer, _ path: String) -> [String] {
    let object = try? JSONValue.parse(Array(line), source: path).objectValue
    return (object?.members ?? []).compactMap { key, value in
      otherKeys.contains(key) || stepKeys.contains(key) || value.number == nil ? nil : key
    }
  }

  private static func steps(_ path: String) throws(FileError) -> ([Step], [String]) {
    let file = try FileInput(path)
    var names: [String]?
    var members = JSONMembers(stepKeys)
    var steps: [Step] = []
    try file.forEachLine { line throws(FileError) in
      if names == nil {
        let found = metricNames(line.bytes, path)
        names = found
        members = JSONMembers(stepKeys + found)
      }
      let values: [JSONValue?]
      do throws(JSONSyntaxError) {
        values = try members.values(of: line.bytes, source: path)
      } catch {
        if line.isWhole { throw damage(path, line.number, "cannot be read", error) }
        return
      }
      func number(_ index: Int) throws(FileError) -> Double {
        guard let value = values[index]?.number else {
          throw damage(path, line.number, "has no number '\(stepKeys[index])'")
        }
        return value
      }
      guard let step = values[0]?.integerValue else {
        throw damage(path, line.number, "has no number 'step'")
      }
      let last = steps.last?.step ?? 0
      guard step > last else {
        throw damage(
          path, line.number, "is of step \(step), and stands behind step \(last)")
      }
      steps.append(
        Step(
          step: step, loss: try number(1), gradientNorm: try number(2),
          clippedGradientNorm: try number(3), clipped: values[6]?.boolValue ?? false,
          learningRate: try number(4), examplesPerSecond: try number(5),
          skipped: values[7]?.boolValue ?? false, sanitized: values[8] != nil,
          hessianFree: HessianFree(values[9]),
          metrics: values[stepKeys.count...].map { $0?.number ?? .nan },
          exampleNorms: ExampleNorms(values[10..<stepKeys.count])))
    }
    return (steps, names ?? [])
  }

  private static func evaluations(_ path: String) throws(FileError) -> [Evaluation] {
    let file = try FileInput(path)
    var evaluations: [Evaluation] = []
    try file.forEachLine { line throws(FileError) in
      let value: JSONValue
      do throws(JSONSyntaxError) {
        value = try JSONValue.parse(Array(line.bytes), source: path)
      } catch {
        if line.isWhole { throw damage(path, line.number, "cannot be read", error) }
        return
      }
      guard let evaluation = Evaluation(value) else {
        throw damage(path, line.number, "has no number 'step' or 'loss'")
      }
      let last = evaluations.last?.step ?? 0
      guard evaluation.step >= last else {
        throw damage(
          path, line.number, "is of step \(evaluation.step), and stands behind step \(last)")
      }
      evaluations.append(evaluation)
    }
    return evaluations
  }

  private static func damage(
    _ path: String, _ line: Int, _ what: String, _ error: JSONSyntaxError? = nil
  ) -> FileError {
    let why = error.map { " (column \($0.column): \($0.reason))" } ?? ""
    return FileError(
      path: path, kind: .corrupt,
      reason: "line \(line) \(what)\(why); mend the line, or remove it")
  }
}
