import LockstepFiles

/// What a run logged: a record a step, a record an evaluation.
public struct RunHistory: Sendable {
  /// One step.
  public struct Step: Sendable, Equatable {
    /// The number of the step, from 1.
    public let step: Int
    /// The mean loss.
    public let loss: Double
    /// The Euclidean norm of the gradient before clipping.
    public let gradientNorm: Double
    /// Its norm after clipping.
    public let clippedGradientNorm: Double
    /// Whether clipping changed it.
    public let clipped: Bool
    /// The learning rate.
    public let learningRate: Double
    /// Examples a second.
    public let examplesPerSecond: Double
    /// Whether the step was skipped because something was not finite.
    public let skipped: Bool
    /// Whether something that was not finite was taken out of it.
    public let sanitized: Bool
    /// How a Hessian-free step found its direction.
    public let hessianFree: HessianFree?

    public init(
      step: Int, loss: Double, gradientNorm: Double, clippedGradientNorm: Double, clipped: Bool,
      learningRate: Double = 0, examplesPerSecond: Double = 0, skipped: Bool = false,
      sanitized: Bool = false, hessianFree: HessianFree? = nil
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
    }
  }

  /// What a Hessian-free step logs beside.
  public struct HessianFree: Sendable, Equatable {
    /// The iterations of conjugate gradients.
    public let iterations: Int
    /// λ.
    public let damping: Double
    /// The part of the direction that was taken.
    public let stepLength: Double
    /// The time of the step over that of its gradient.
    public let gradientEquivalents: Double

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
  public struct Evaluation: Sendable, Equatable {
    /// What was evaluated: `test` for the weights, `average` for their average.
    public let name: String
    /// The number of steps before it.
    public let step: Int
    /// The mean loss.
    public let loss: Double
    /// The metrics by name, in order.
    public let metrics: [(name: String, value: Double)]

    public static func == (left: Self, right: Self) -> Bool {
      left.name == right.name && left.step == right.step && left.loss == right.loss
        && left.metrics.elementsEqual(right.metrics) { $0 == $1 }
    }
  }

  /// The steps, in order.
  public let steps: [Step]
  /// The evaluations, in order.
  public let evaluations: [Evaluation]

  public init(steps: [Step], evaluations: [Evaluation] = []) {
    self.steps = steps
    self.evaluations = evaluations
  }

  /// Reads `metrics.jsonl` and `evaluations.jsonl` of a run directory. A last line that is not whole,
  /// as a crash leaves one, is passed over.
  ///
  /// - Throws: `FileError` where the directory holds no run, or a line is damaged.
  public init(directory: String) throws(FileError) {
    steps = try Self.lines("\(directory)/metrics.jsonl").map { line throws(FileError) in
      func number(_ key: String) throws(FileError) -> Double {
        guard let value = line.value[key]?.number else { throw line.lacks(key) }
        return value
      }
      guard let step = line.value["step"]?.integerValue else { throw line.lacks("step") }
      return Step(
        step: step, loss: try number("loss"), gradientNorm: try number("gradientNorm"),
        clippedGradientNorm: try number("clippedGradientNorm"),
        clipped: line.value["clipped"]?.boolValue ?? false,
        learningRate: try number("learningRate"),
        examplesPerSecond: try number("examplesPerSecond"),
        skipped: line.value["skipped"]?.boolValue ?? false,
        sanitized: line.value["sanitized"] != nil,
        hessianFree: HessianFree(line.value["hessianFree"]))
    }
    guard FileKind("\(directory)/evaluations.jsonl") == .regular else {
      evaluations = []
      return
    }
    let known: Set<String> = ["step", "epoch", "evaluation", "loss", "examples"]
    evaluations = try Self.lines("\(directory)/evaluations.jsonl").map { line throws(FileError) in
      guard let step = line.value["step"]?.integerValue, let loss = line.value["loss"]?.number
      else {
        throw line.lacks("step or loss")
      }
      let members = line.value.objectValue?.members ?? []
      return Evaluation(
        name: line.value["evaluation"]?.stringValue ?? "test", step: step, loss: loss,
        metrics: members.compactMap { key, value in
          known.contains(key) ? nil : value.number.map { (key, $0) }
        })
    }
  }

  private struct Line {
    let path: String
    let number: Int
    let value: JSONValue

    func lacks(_ key: String) -> FileError {
      FileError(path: path, kind: .corrupt, reason: "line \(number) has no number '\(key)'")
    }
  }

  private static func lines(_ path: String) throws(FileError) -> [Line] {
    let bytes = try FileInput.contents(of: path)
    let texts = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: true)
    var lines: [Line] = []
    for (index, text) in texts.enumerated() {
      if let value = try? JSONValue.parse(Array(text)) {
        lines.append(Line(path: path, number: index + 1, value: value))
      } else if index < texts.count - 1 {
        throw FileError(path: path, kind: .corrupt, reason: "line \(index + 1) is no JSON")
      }
    }
    return lines
  }
}

extension JSONValue {
  /// A number, or one of the strings that stand for NaN and the infinities.
  fileprivate var number: Double? {
    switch self {
    case .string("NaN"): .nan
    case .string("Infinity"): .infinity
    case .string("-Infinity"): -.infinity
    default: doubleValue
    }
  }
}
