import LockstepFiles
import LockstepPlatform

/// Thresholds for clipping tensor by tensor, read off what a run logged of its tensors after some steps: norms, or
/// largest singular values.
///
/// The numbers are those before clipping, of the run's part after its first tenth. Each tensor's threshold is the
/// same percentile of its own numbers, that which ``ClipSuggestion`` chose for the norm of all.
package struct TensorClipSuggestion: Sendable, Equatable {
  /// What is limited.
  package enum Kind: Sendable, Equatable {
    /// Each tensor's norm.
    case norms
    /// Each matrix's singular values.
    case singularValues

    /// The clip's type in a configuration.
    package var type: String { self == .norms ? "norm" : "spectral" }
  }

  /// A tensor and its threshold.
  package struct Tensor: Sendable, Equatable {
    package let name: String
    package let median: Double
    /// To three digits.
    package let threshold: Double
    /// The fraction of the steps in which the tensor's number exceeds it.
    package let clippedFraction: Double
  }

  package let kind: Kind
  package let percentile: Double
  /// The number of logged steps looked at.
  package let stepCount: Int
  package let tensors: [Tensor]
  /// The fraction of the steps in which one tensor at least exceeds its threshold.
  package let clippedFraction: Double
  /// A limit that follows each tensor's own norms, for these.
  package let adaptive: AdaGCSuggestion?

  /// Looks at what a run logged.
  ///
  /// - Parameters:
  ///   - table: the numbers, a row a tensor.
  ///   - whole: what was chosen for the norm of all tensors.
  /// - Throws: ``TensorClipSuggestionError`` where there are too few steps, or no tensor has numbers above 0.
  package init(
    _ kind: Kind, _ table: NormHistory.Table, whole: ClipSuggestion.Candidate
  ) throws(TensorClipSuggestionError) {
    let percentile = whole.percentile
    let columns = table.steps.indices.dropFirst(table.steps.count / 10)
    guard columns.count >= 20 else {
      throw TensorClipSuggestionError(kind: kind, found: columns.count)
    }
    var tensors: [Tensor] = []
    var isClipped = columns.map { _ in false }
    for (name, row) in zip(table.names, table.values) {
      let values = columns.map { row[$0] }
      // A tensor that does not move yet, or never does, has no norm.
      let sorted = values.filter { $0.isFinite && $0 > 0 }.sorted()
      guard !sorted.isEmpty else { continue }
      let threshold = ClipSuggestion.rounded(ClipSuggestion.percentile(percentile, of: sorted))
      for (index, value) in values.enumerated() where value > threshold { isClipped[index] = true }
      tensors.append(
        Tensor(
          name: name, median: ClipSuggestion.rounded(ClipSuggestion.percentile(50, of: sorted)),
          threshold: threshold,
          clippedFraction: Double(values.count { $0 > threshold }) / Double(values.count)))
    }
    guard !tensors.isEmpty else { throw TensorClipSuggestionError(kind: kind, found: 0) }
    self.kind = kind
    self.percentile = percentile
    self.tensors = tensors
    adaptive =
      kind == .norms
      ? AdaGCSuggestion(table, percentile: percentile, absolute: whole.threshold) : nil
    stepCount = columns.count
    clippedFraction = Double(isClipped.count { $0 }) / Double(isClipped.count)
  }

  /// The clips, as a configuration names them.
  package var clips: [JSONValue] {
    tensors.map {
      ["type": .string(kind.type), "limit": .number($0.threshold), "scope": [.string($0.name)]]
    }
  }

  /// Whether a run's optimizer takes these clips.
  package func isTaken(by run: RunClips) -> Bool {
    run.taken == .all || (run.taken == .followingNorms && kind == .singularValues)
  }

  /// The lines of a configuration that give each tensor its threshold, behind what a run limits before gradients are
  /// added up.
  package func configurationLines(for run: RunClips) -> [String] {
    let lines = (run.inner + clips).map(\.compactText)
    return ["\"clip\": ["] + lines.dropLast().map { "  \($0)," } + lines.suffix(1).map { "  \($0)" }
      + ["]"]
  }

  /// The suggestion as JSON, for a run with these clips.
  package func json(for run: RunClips) -> JSONValue {
    var json: JSONObject = [
      "steps": .integer(stepCount), "percentile": .number(percentile),
      "clippedFraction": .number(clippedFraction),
      "tensors": .array(
        tensors.map {
          [
            "name": .string($0.name), "median": .number($0.median),
            "threshold": .number($0.threshold), "clippedFraction": .number($0.clippedFraction),
          ]
        }),
    ]
    if isTaken(by: run) { json["clip"] = .array(run.inner + clips) }
    if run.taken != .none { json["adaGC"] = adaptive?.json(for: run) }
    return .object(json)
  }
}

/// A run that logged too little of its tensors to read thresholds off it.
package struct TensorClipSuggestionError: Error, Equatable, CustomStringConvertible {
  package let kind: TensorClipSuggestion.Kind
  /// The number of logged steps behind the run's first tenth.
  package let found: Int

  package var description: String {
    let what = kind == .norms ? "norms of tensors" : "singular values"
    let remedy =
      kind == .norms
      ? "train longer: norms are logged after every tenth step at the most"
      : "train with --set log.singularValues=true, and long enough: they are logged after every tenth step at the "
        + "most"
    return
      "a suggestion needs at least 20 steps with \(what) in norms.jsonl behind the run's first tenth, found "
      + "\(found): \(remedy)"
  }
}
