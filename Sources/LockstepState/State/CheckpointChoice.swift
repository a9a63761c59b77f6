import LockstepObservation
import LockstepFold
import LockstepFiles

extension CheckpointStore {
  /// The path of the checkpoint that somebody chose, and what was passed over on the way.
  ///
  /// - Parameter run: the run directory, whose other files say which checkpoints there were.
  /// - Throws: `FileError` where there is none, where the one that was named is damaged, and where the
  ///   best one is damaged or gone: no other is taken in its place.
  func path(
    of choice: WeightsFile.Choice, inRun run: String
  ) throws -> (path: String, notices: [String]) {
    let steps = FileKind(directory) == .directory ? try self.steps() : []
    switch choice {
    case .step(let step):
      guard steps.contains(step) else { throw missing("has no checkpoint of step \(step)", steps) }
      return (path(ofStep: step), [])
    case .best: return (path(ofStep: try best(steps, inRun: run)), [])
    case .last: return try last(steps, inRun: run)
    }
  }

  private func missing(_ reason: String, _ steps: [Int]) -> FileError {
    let list = steps.suffix(8).map(String.init).joined(separator: ", ")
    return FileError(
      path: directory, kind: .mismatch,
      reason: reason + (steps.isEmpty ? "; there are none" : "; there are those of steps \(list)"))
  }

  // MARK: The best

  /// The step of the best checkpoint, once it is sure that none was better.
  private func best(_ steps: [Int], inRun run: String) throws -> Int {
    var scored: [(step: Int, score: Double)] = []
    var damaged: [(step: Int, error: FileError)] = []
    for step in steps {
      do throws(FileError) {
        // A score that is damaged would make another checkpoint the best: every byte is verified.
        let score = try Checkpoint(path(ofStep: step)).score
        if let score, score.isFinite { scored.append((step, score)) }
      } catch {
        guard error.kind == .corrupt || error.kind == .truncated else { throw error }
        damaged.append((step, error))
      }
    }
    let best = scored.max { ($0.score, $0.step) < ($1.score, $1.step) }
    let least = best?.score ?? -.infinity
    let remedy =
      (best.map { "give '--checkpoint \($0.step)', the best of the others, or " } ?? "give ")
      + "'--checkpoint last'"
    let recorded = Self.recordedScores(run, agreeingWith: scored)
    // The log tells of which damaged ones it is sure that they were worse, or were not evaluated.
    let rival = damaged.last { step, _ in
      recorded.map { $0[step].map { $0 >= least } ?? false } ?? true
    }
    if let rival {
      throw FileError(
        path: rival.error.path, kind: rival.error.kind,
        reason: rival.error.reason
          + "; it may be the best one, and no other is taken in its place: \(remedy)")
    }
    let first = recorded?.max { ($0.value, $0.key) < ($1.value, $1.key) }
    if let first, first.value > least {
      throw FileError(
        path: path(ofStep: first.key), kind: .mismatch,
        reason: "is gone, or was never written, and by \(run)/evaluations.jsonl it is the best: "
          + (steps.isEmpty ? "there is no other checkpoint" : remedy))
    }
    guard let best else {
      throw missing("has no checkpoint with an evaluation, so that none is the best", steps)
    }
    return best.step
  }

  /// The finite scores in a run's log, by step; nil where there is no log, or one that does not go with
  /// the checkpoints.
  private static func recordedScores(
    _ run: String, agreeingWith scored: [(step: Int, score: Double)]
  ) -> [Int: Double]? {
    let configuration = json("\(run)/config.json")
    let metric = configuration?["evaluate.scoreMetric"]?.stringValue
    guard let log = try? FileInput("\(run)/evaluations.jsonl") else { return nil }
    var scores: [Int: Double] = [:]
    var seen: Set<Int> = []
    do {
      try log.forEachLine { line throws(FileError) in
        // A damaged line tells nothing. The first evaluation of a step is the one that scores it.
        guard let value = try? JSONValue.parse(Array(line.bytes)),
          let step = value["step"]?.integerValue, seen.insert(step).inserted,
          let loss = value["loss"]?.doubleValue, loss.isFinite
        else { return }
        let isLoss = metric == nil || metric == EvaluationReport.lossName
        let score = isLoss ? -loss : value.objectValue?[metric ?? ""]?.doubleValue
        if let score, score.isFinite { scores[step] = score }
      }
    } catch { return nil }
    if scored.allSatisfy({ scores[$0.step] == $0.score }) { return scores }
    // The score of a metric that is smaller where predictions are better is its negative.
    let negative = scores.mapValues { -$0 }
    return scored.allSatisfy { negative[$0.step] == $0.score } ? negative : nil
  }

  // MARK: The last

  /// The newest sound checkpoint.
  private func last(
    _ steps: [Int], inRun run: String
  ) throws -> (path: String, notices: [String]) {
    var passed: [FileError] = []
    for step in steps.reversed() {
      do throws(FileError) {
        _ = try Checkpoint(path(ofStep: step))
      } catch {
        guard error.kind == .corrupt || error.kind == .truncated else { throw error }
        passed.append(error)
        continue
      }
      var notices = passed.map {
        "passed over a damaged checkpoint: \($0); using that of step \(step)"
      }
      if let end = Self.recordedEnd(run), end > steps.last ?? 0 {
        notices.append(
          "\(path(ofStep: end)) is gone: the run came to step \(end); using the checkpoint of step "
            + "\(step)")
      }
      return (path(ofStep: step), notices)
    }
    guard passed.isEmpty else {
      throw CheckpointError.allDamaged(directory: directory, reasons: passed.map { "\($0)" })
    }
    throw missing("has no checkpoint", steps)
  }

  /// The step that a run ended with, which it leaves a checkpoint of; nil where it did not come to an end.
  private static func recordedEnd(_ run: String) -> Int? {
    let outcome = json("\(run)/outcome.json")
    let ends = [Outcome.Kind.done, .interrupted].map(\.rawValue)
    let isEnd = outcome?["outcome"]?.stringValue.map { ends.contains($0) } ?? false
    let weights = try? SafetensorsFile("\(run)/weights.safetensors")
    let ended = isEnd ? outcome?["step"]?.integerValue : nil
    let written = weights.flatMap { WeightsFile.step(of: $0) }
    return [ended, written].compactMap { $0 }.max()
  }

  /// What a file of the run says; nil where it cannot be read.
  private static func json(_ path: String) -> JSONValue? {
    (try? FileInput.contents(of: path, limit: 64 << 20)).flatMap { try? JSONValue.parse($0) }
  }
}
