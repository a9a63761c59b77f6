import LockstepFiles
import LockstepPlatform

/// A run directory that somebody else writes to, read again and again: only what is new is read.
///
/// The run may be one of another node, seen through a shared file system: nothing is asked of it but its
/// files, and nothing is locked or written.
package final class RunFollower {
  /// What the log has of a step.
  package struct Step: Sendable {
    /// The number of the step.
    package let step: Int
    /// The epoch, from 1.
    package let epoch: Int
    /// The mean loss.
    package let loss: Double
    /// The norm before clipping.
    package let norm: Double
    /// Whether clipping changed the gradient.
    package let clipped: Bool
    /// The learning rate.
    package let learningRate: Double
    /// Examples a second.
    package let rate: Double
    /// The examples of the batch.
    package let examples: Int
  }

  /// The directory.
  package let directory: String
  /// The steps so far, in order.
  package private(set) var steps: [Step] = []
  /// The newest evaluation of each name, in the order in which the names came first.
  package private(set) var evaluations: [RunHistory.Evaluation] = []
  /// How the run ended, or that it runs.
  package private(set) var ending: RunHistory.Ending?
  /// When the log was last written to, in seconds since 1970; nil while there is none.
  package private(set) var lastChange: Double?
  /// The steps that the run is to have; nil where its files do not say.
  package private(set) var totalSteps: Int?
  /// The epochs that it is to have.
  package private(set) var epochs: Int?
  /// What the norm is clipped to, where that is one number.
  package private(set) var clipLimit: Double?

  private var metrics: Tail
  private var scores: Tail
  private var hasConfiguration = false

  private static let members = JSONMembers([
    "step", "epoch", "loss", "gradientNorm", "clipped", "learningRate", "examplesPerSecond",
    "examples",
  ])

  /// Follows the run of a directory, from its first step.
  ///
  /// - Throws: `FileError` where the directory is none, or holds no run.
  package init(_ directory: String) throws(FileError) {
    self.directory = directory
    metrics = Tail("\(directory)/metrics.jsonl")
    scores = Tail("\(directory)/evaluations.jsonl")
    guard FileKind(directory) == .directory else {
      throw FileError(path: directory, kind: .mismatch, reason: "is no run directory")
    }
    guard FileKind("\(directory)/config.json") == .regular || FileKind(metrics.path) == .regular
    else {
      throw FileError(
        path: directory, kind: .mismatch, reason: "holds no run: there is no config.json in it")
    }
    try refresh()
  }

  /// Reads what is new.
  ///
  /// - Throws: `FileError` where a file cannot be read.
  package func refresh() throws(FileError) {
    readConfiguration()
    ending = RunHistory.ending("\(directory)/outcome.json")
    if let known = ending?.totalSteps ?? (ending?.kind == "done" ? ending?.step : nil) {
      totalSteps = known
    }
    try metrics.read { [self] line in
      guard let line else { return steps.removeAll() }
      if let step = step(line) {
        // A run that goes on from a checkpoint takes back what came after it.
        while let last = steps.last, last.step >= step.step { steps.removeLast() }
        steps.append(step)
      }
    }
    try scores.read { [self] line in
      guard let line else { return evaluations.removeAll() }
      guard let found = evaluation(line) else { return }
      if let place = evaluations.firstIndex(where: { $0.name == found.name }) {
        evaluations[place] = found
      } else {
        evaluations.append(found)
      }
    }
    // Batches of sequences are more than the examples tell.
    if let total = totalSteps, let last = steps.last, last.step > total { totalSteps = nil }
    lastChange = FileTime.modified(metrics.path)
  }

  private func readConfiguration() {
    guard !hasConfiguration, let file = try? JSONValue.file("\(directory)/config.json") else {
      return
    }
    epochs = file["epochs"]?.integerValue
    if file["clip"]?["type"]?.stringValue == "globalNorm" {
      clipLimit = file["clip"]?["limit"]?.doubleValue
    }
    totalSteps = file["steps"]?.integerValue
    guard let description = try? JSONValue.file("\(directory)/data.json") else { return }
    hasConfiguration = true
    if let examples = description["training"]?["examples"]?.integerValue, let epochs,
      let batchSize = file["batchSize"]?.integerValue, batchSize > 0
    {
      let drops = file["data"]?["dropLast"]?.boolValue ?? false
      let batches = drops ? examples / batchSize : (examples + batchSize - 1) / batchSize
      let (all, overflow) = batches.multipliedReportingOverflow(by: epochs)
      if !overflow { totalSteps = min(totalSteps ?? all, all) }
    }
  }

  private func step(_ line: UnsafeRawBufferPointer) -> Step? {
    guard let values = try? Self.members.values(of: line, source: "metrics.jsonl"),
      let step = values[0]?.integerValue
    else { return nil }
    func number(_ place: Int) -> Double { values[place]?.number ?? .nan }
    return Step(
      step: step, epoch: values[1]?.integerValue ?? 0, loss: number(2), norm: number(3),
      clipped: values[4]?.boolValue ?? false, learningRate: number(5), rate: number(6),
      examples: values[7]?.integerValue ?? 0)
  }

  private func evaluation(_ line: UnsafeRawBufferPointer) -> RunHistory.Evaluation? {
    (try? JSONValue.parse(Array(line), source: "evaluations.jsonl")).flatMap(
      RunHistory.Evaluation.init)
  }

  /// Whether the process that wrote the directory last is gone; nil where it is one of another node.
  package var isGone: Bool? {
    guard let bytes = try? FileInput.contents(of: "\(directory)/.lock", limit: 256) else {
      return nil
    }
    let words = String(decoding: bytes, as: UTF8.self).split(separator: " ")
    guard words.count == 4, words[0] == "process", words[3] == hostName,
      let process = Int32(words[1])
    else { return nil }
    return kill(process, 0) != 0 && errno == ESRCH
  }
}

/// The end of a growing file of lines.
private struct Tail {
  let path: String
  private var offset = 0

  init(_ path: String) { self.path = path }

  /// Hands on the whole lines that are new; nil first where the file was cut, and begins anew.
  mutating func read(_ body: (UnsafeRawBufferPointer?) -> Void) throws(FileError) {
    guard FileKind(path) == .regular else { return }
    let file = try FileInput(path)
    if file.size < offset {
      offset = 0
      body(nil)
    }
    var size = 1 << 20
    while offset < file.size {
      let bytes = try file.bytes(offset..<min(offset + size, file.size))
      guard let end = bytes.lastIndex(of: UInt8(ascii: "\n")) else {
        // The last line is not whole yet, or a line is longer than what was read.
        guard offset + size < file.size else { return }
        size *= 2
        continue
      }
      bytes.withUnsafeBytes { bytes in
        var start = 0
        for place in 0...end where bytes[place] == UInt8(ascii: "\n") {
          body(UnsafeRawBufferPointer(rebasing: bytes[start..<place]))
          start = place + 1
        }
      }
      offset += end + 1
    }
  }
}

/// When files were written.
private enum FileTime {
  /// The time of the last change, in seconds since 1970; nil where there is no file.
  static func modified(_ path: String) -> Double? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    return Double(status.st_mtim.tv_sec) + 1e-9 * Double(status.st_mtim.tv_nsec)
  }
}
