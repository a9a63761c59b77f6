import LockstepTesting

/// Runs of `training-checks`, the program that trains small models under mpirun.
enum TrainingRuns {
  /// Every optimizer and kind of clip, with constraints.
  static let rules = [
    "sgd", "sgd clipped", "nesterov", "clip by norm", "clip by value", "adaptive clip", "rmsprop",
    "adagrad", "adadelta", "adam", "adamW", "nadam", "radam", "lion", "muon", "schedule-free",
    "adafactor", "shampoo", "soap",
    "lars",
    "lamb",
  ]

  static func run(
    _ arguments: [String], ranks: Int, fault: String? = nil, deadline: Duration = .seconds(60)
  ) throws -> ProgramResult {
    try MPIRunner.run(
      MPIRunner.builtExecutable("training-checks"), arguments, ranks: ranks,
      environment: ["LOCKSTEP_FAULT": fault], deadline: deadline)
  }

  /// Trains several cases in one job, one after the other; the lines of each.
  ///
  /// Most of the time of a small job is the launcher's.
  static func run(
    cases: [[String]], ranks: Int
  ) throws -> (result: ProgramResult, lines: [[String]]) {
    let result = try run(joined(cases), ranks: ranks, deadline: .seconds(180))
    return (result, lines(of: cases.count, in: result))
  }

  private static func joined(_ cases: [[String]]) -> [String] {
    Array(cases.joined(separator: ["then"]))
  }

  /// What each case printed; nothing for one that was not come to.
  private static func lines(of count: Int, in result: ProgramResult) -> [[String]] {
    if count == 1 { return [result.lines] }
    let starts = (0..<count).compactMap { result.lines.firstIndex(of: "case \($0)") }
    let ends = starts.dropFirst() + [result.lines.count]
    let found = zip(starts, ends).map { Array(result.lines[$0..<$1]) }
    return found + Array(repeating: [], count: count - found.count)
  }

  /// The fingerprints printed, by rule.
  static func fingerprints(_ result: ProgramResult) -> [String: String] {
    fingerprints(result.lines)
  }

  static func fingerprints(_ lines: [String]) -> [String: String] {
    var found: [String: String] = [:]
    for line in lines where line.hasPrefix("fingerprint ") {
      let words = line.split(separator: " ").map(String.init)
      found[words[1..<words.count - 1].joined(separator: " ")] = words.last
    }
    return found
  }

  /// What one rank alone, with replicated updates, comes to; trained once for all tests.
  static let wide = Result { try alone(["model=wide"] + rules.map { "rule=\($0)" }) }
  static let perceptron = Result { try alone(["model=perceptron", "rule=adam", "rule=lamb"]) }
  static let convolutional = Result {
    try alone(["model=convolutional", "rule=adam", "rule=nesterov"])
  }
  /// With bf16 on the wire, at all levels and from level 2 on.
  static let rounded = [0, 2].map { level in
    Result { try alone(["model=convolutional", "rule=adam", "bf16Level=\(level)"]) }
  }

  static let synchronized = Result {
    try alone(["model=synchronized", "rule=adam", "rule=sgd clipped"])
  }

  private static func alone(_ arguments: [String]) throws -> [String: String] {
    fingerprints(try alone([arguments])[0])
  }

  /// What one rank alone prints for each case.
  private static func alone(_ cases: [[String]]) throws -> [[String]] {
    let result = try MPIRunner.runAlone(
      MPIRunner.builtExecutable("training-checks"), joined(cases), deadline: .seconds(180))
    return lines(of: cases.count, in: result)
  }

  /// Models whose gradients travel in buckets, where the last shard of all ranks has one size, and what
  /// one rank alone comes to.
  static let bucketed = Result { try ReferenceCases(bucketedCases) }
  private static let bucketedCases = [
    ["model=perceptron", "batch=48"], ["model=convolutional", "batch=48"],
    ["model=convolutional", "batch=48", "bf16Level=0"],
    ["model=convolutional", "batch=48", "bf16Level=2"],
  ].map { $0 + ["compare=1"] }

  /// The same for nodes of several ranks, with shards of several sizes among them.
  static let bucketedOnNodes = Result { try ReferenceCases(bucketedOnNodesCases) }
  private static let bucketedOnNodesCases = [
    ["model=perceptron", "batch=48"], ["model=convolutional", "batch=48", "bf16Level=0"],
    ["model=convolutional", "batch=46", "bf16Level=2"], ["model=synchronized", "batch=48"],
  ].map { $0 + ["compare=1"] }

  /// A model whose gradients are made of factors: of one layer, or of two.
  static let factors = Result { try ReferenceCases(factorCases) }
  private static let factorCases = [
    [], ["augment=1"], ["bf16Level=0"], ["augment=1", "bf16Level=1"],
  ]
  .flatMap { options in
    [16, 24].map {
      ["model=deep", "batch=\($0)", "compare=1", "rule=adam", "rule=lamb"] + options
    }
  }

  /// Arguments, and what one rank alone prints for them.
  struct ReferenceCases {
    let arguments: [[String]]
    let lines: [[String]]
    let fingerprints: [[String: String]]

    init(_ arguments: [[String]]) throws {
      self.arguments = arguments
      lines = try TrainingRuns.alone(arguments)
      fingerprints = lines.map { TrainingRuns.fingerprints($0) }
    }
  }
}
