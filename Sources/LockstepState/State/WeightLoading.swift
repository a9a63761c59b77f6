import LockstepEngine
import LockstepFiles

/// What became of a file's tensors and a model's.
public struct WeightReport: Sendable, Equatable {
  /// A tensor whose shape or type is another than the model's.
  package struct Mismatch: Sendable, Equatable {
    /// The name in the model.
    package let name: String
    /// What the file has, `Float32 [10, 128]` say.
    package let found: String
    /// What the model wants.
    package let wanted: String
  }

  /// The model's tensors that were read.
  package var loaded: [String] = []
  /// The model's tensors that the file lacks; they keep their values.
  public var missing: [String] = []
  /// The file's tensors that the model has no place for, under the file's names.
  public var unexpected: [String] = []
  /// The model's tensors of another shape or type; they keep their values.
  package var mismatched: [Mismatch] = []
  /// The file's tensors that were left out on purpose: by a rule, counters of batches, which PyTorch stores
  /// beside running statistics, a GPT's masks, and its table of tokens where the file has it twice.
  public var ignored: [String] = []
  /// The patterns of rules that hold for none of the file's tensors.
  package var unusedRules: [String] = []

  /// The file's tensors of types that are not known and that the model has no place for.
  package var unreadable: [String] = []

  /// Whether every tensor of either side found its place.
  public var isComplete: Bool { missing.isEmpty && unexpected.isEmpty && mismatched.isEmpty }

  /// All that did not fit, a line each; empty where all did.
  public var lines: [String] {
    missing.map { "missing: \($0) (keeps its initial values)" }
      + mismatched.map {
        "mis-shaped: \($0.name) is \($0.found) in the file, \($0.wanted) in the model (keeps its initial values)"
      }
      + unexpected.map { "unexpected: \($0) has no place in the model" }
      + unusedRules.map { "unused: the rule '\($0)' fits no tensor of the file" }
      + unreadable.map { "passed over: \($0) has a type that is not known" }
  }
}

extension Weights {
  /// What to do where a file and the model do not fit.
  public enum Loading: String, Sendable, CaseIterable {
    /// Every tensor of either side must find its place, and every rule a tensor.
    case strict
    /// What fits is read, the rest reported: replaced heads keep their initial values.
    case lenient
  }

  /// Reads initial weights from a safetensors file or a checkpoint, frozen parameters and running statistics
  /// included; Float32 weights may be stored as F64, F16 or BF16.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - names: how its names become the model's.
  /// - Returns: what was read and what not.
  /// - Throws: `FileError` with all that does not fit, rules that hold for no tensor included, where
  ///   `loading` is strict; where two of the file's tensors have one name in the model; where nothing
  ///   fits at all. No weight has changed then.
  @discardableResult
  public func load(
    _ path: String, names: NameMap, _ loading: Loading = .strict
  ) throws -> WeightReport {
    try load(WeightsFile(path), names: names, loading)
  }

  /// Reads initial weights from an open file.
  ///
  /// - Throws: as ``load(_:names:_:)-(String,_,_)``.
  @discardableResult
  package func load(
    _ weights: WeightsFile, names: NameMap, _ loading: Loading = .strict
  ) throws -> WeightReport {
    let path = weights.path
    var sources: [String: TensorEntry] = [:]
    var report = WeightReport()
    report.ignored = weights.passedOver
    let wanted = Set(tensors.map(\.name))
    for (known, entry) in weights.tensors {
      guard let name = names(known) else {
        report.ignored.append(known)
        continue
      }
      guard wanted.contains(name) else {
        if name.hasSuffix("num_batches_tracked") {
          report.ignored.append(known)
        } else if entry.element == nil {
          report.unreadable.append(known)
        } else {
          report.unexpected.append(known)
        }
        continue
      }
      if let other = sources[name] {
        throw FileError(
          path: path, kind: .mismatch,
          reason: "has '\(other.name)' and '\(entry.name)', which are both '\(name)' in the model")
      }
      sources[name] = entry
    }
    report.unusedRules = names.rules.map(\.pattern).filter { pattern in
      let glob = NameGlob(pattern)
      return !weights.tensors.contains { glob.matches($0.name) }
    }
    for tensor in tensors {
      guard let entry = sources[tensor.name] else {
        report.missing.append(tensor.name)
        continue
      }
      guard tensor.accepts(entry) else {
        report.mismatched.append(
          .init(
            name: tensor.name, found: "\(entry.type) \(entry.shape)",
            wanted: "\(tensor.element.rawValue) \(tensor.shape)"))
        continue
      }
      report.loaded.append(tensor.name)
    }
    let isStrict = loading == .strict
    let fits = report.isComplete && report.unusedRules.isEmpty
    guard !report.loaded.isEmpty, !isStrict || fits else {
      throw FileError(
        path: path, kind: .mismatch,
        reason: Self.reason(
          report, unusedAmong: isStrict ? weights.tensors.map(\.name) : []))
    }
    let loaded = Set(report.loaded)
    try fill(from: weights, sources.filter { loaded.contains($0.key) })
    return report
  }

  /// - Parameter names: the file's names, where a rule that fits none of them is a fault.
  private static func reason(_ report: WeightReport, unusedAmong names: [String]) -> String {
    func list(_ names: [String]) -> String {
      names.prefix(6).joined(separator: ", ")
        + (names.count > 6 ? " and \(names.count - 6) more" : "")
    }
    var parts: [String] = []
    if !report.missing.isEmpty { parts.append("it lacks \(list(report.missing))") }
    if !report.unexpected.isEmpty {
      parts.append("it has \(list(report.unexpected)) besides")
    }
    if !report.mismatched.isEmpty {
      parts.append(
        list(report.mismatched.map { "\($0.name) is \($0.found), not \($0.wanted)" }))
    }
    let start =
      report.loaded.isEmpty
      ? "none of its tensors fits the model" : "does not fit the model"
    var reasons = parts.isEmpty ? [] : [start + ": " + parts.joined(separator: "; ")]
    if !names.isEmpty {
      reasons += report.unusedRules.map { pattern in
        "the rule '\(pattern)' fits none of its tensors"
          + (NearestName.find(pattern, among: names).map { "; did you mean '\($0)'?" }
            ?? "; there are \(list(names))")
      }
    }
    return reasons.joined(separator: "; ")
  }
}

extension StateRegistry.Tensor {
  /// Whether a file's tensor can be read into this one.
  func accepts(_ entry: TensorEntry) -> Bool {
    entry.shape == shape
      && (entry.element == element
        || element == .float32 && entry.element?.isFloatingPoint == true)
  }

  /// Fills the tensor, a matrix of Float32, in place with one that the file has transposed.
  func readTransposed(_ entry: TensorEntry, from file: SafetensorsFile) throws(FileError) {
    var stored = [Float](repeating: 0, count: entry.count)
    try stored.withUnsafeMutableBufferPointer { buffer throws(FileError) in
      try file.read(entry.name, into: buffer)
    }
    let values = bytes.bindMemory(to: Float.self)
    let (rows, columns) = (entry.shape[0], entry.shape[1])
    for row in 0..<rows {
      for column in 0..<columns { values[row * columns + column] = stored[column * rows + row] }
    }
  }

  /// Fills the tensor in place with a file's tensor of another name.
  func read(_ name: String, from file: SafetensorsFile) throws(FileError) {
    if element == .float32 {
      try file.read(name, into: bytes.bindMemory(to: Float.self))
    } else {
      try file.read(name, into: bytes)
    }
  }
}
