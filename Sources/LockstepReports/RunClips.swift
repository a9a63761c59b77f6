import LockstepFiles

/// The clips of a run, by its `config.json`, and what others may stand in their place.
package struct RunClips: Sendable, Equatable {
  /// Which clips the run's optimizer takes.
  package enum Taken: Sendable, Equatable {
    /// Any.
    case all
    /// Of those that shorten, only those that act on spikes: matrices get updates of one size, and a fixed limit of
    /// their norms is refused.
    case followingNorms
    /// None: it ignores all magnitudes.
    case none
  }

  /// Those that act before gradients are added up, which clips of the sum stand behind.
  package let inner: [JSONValue]
  /// Those of the sum.
  package let others: [JSONValue]
  /// The optimizer's type; nil where the configuration names none.
  package let optimizer: String?

  /// Takes a configuration apart; nil says nothing.
  package init(_ configuration: JSONValue?) {
    let clip = configuration?["clip"]
    let clips = clip?.arrayValue ?? (clip.map { $0 == .null ? [] : [$0] } ?? [])
    inner = clips.filter { ["perExample", "perShard"].contains($0["type"]?.stringValue) }
    others = clips.filter { !["perExample", "perShard"].contains($0["type"]?.stringValue) }
    let optimizer = configuration?["optimizer"]
    self.optimizer = optimizer?["type"]?.stringValue ?? optimizer?.stringValue
  }

  /// Reads `config.json` of a run directory; without one it is as if the run had no clip.
  package init(directory: String) {
    self.init(try? JSONValue.file("\(directory)/config.json"))
  }

  /// Which clips the optimizer takes.
  package var taken: Taken {
    switch optimizer {
    case "muon", "scion": .followingNorms
    case "signSGD": .none
    default: .all
    }
  }

  /// Why some clips are not suggested; nil where all are taken.
  package var reason: String? {
    let name = optimizer ?? ""
    return switch taken {
    case .all: nil
    case .followingNorms:
      "\(name) makes updates of one size of matrices whatever their gradients' norms, and a fixed limit of these is "
        + "refused: only clips that act on spikes are suggested."
    case .none:
      "\(name) ignores the size of gradients, and a clip before it is refused: none is suggested."
    }
  }

  /// The value of `clip` with other clips of the sum.
  package func value(_ clips: [JSONValue]) -> JSONValue {
    let all = inner + clips
    return all.count == 1 ? all[0] : .array(all)
  }

  /// The value of `clip` with another norm for examples, and all else as it is.
  package func value(exampleNorm: Double) -> JSONValue {
    let clip: JSONValue = ["type": "perExample", "norm": .number(exampleNorm)]
    let rest = inner.filter { $0["type"]?.stringValue != "perExample" } + others
    return rest.isEmpty ? clip : .array([clip] + rest)
  }

  /// The option that gives a command this value of `clip`, quoted for a shell.
  package static func option(_ clip: JSONValue) -> String {
    let text = clip.compactText.split(separator: "'", omittingEmptySubsequences: false)
    return "--set 'clip=" + text.joined(separator: #"'\''"#) + "'"
  }
}

extension ClipSuggestion {
  /// The clips that are suggested for a run, the best one first, each with what stands before it.
  package func clips(for run: RunClips) -> [(introduction: String, value: JSONValue)] {
    let limit: JSONValue = ["type": "globalNorm", "limit": .number(choice.threshold)]
    let following: [(String, JSONValue)] = [
      ("Try", ["type": "zClip"]),
      ("Or", ["type": "autoClip", "percentile": .integer(Int(choice.percentile))]),
    ]
    let found: [(String, JSONValue)] =
      switch (run.taken, trend) {
      case (.none, _): []
      case (.followingNorms, _): following
      case (.all, nil): [("Try", limit)]
      case (.all, _?): following + [("Or, one limit for all steps", limit)]
      }
    return found.map { ($0.0, run.value([$0.1])) }
  }
}
