import LockstepCatalog
import LockstepEngine

/// Limits the global norm to a percentile of the norms seen so far: u = u · η / ‖u‖ where ‖u‖ > η.
package struct AutoClip: GradientTransform, Equatable {
  /// The percentile, from 0 to 100.
  package let percentile: Double
  /// The number of norms that are remembered.
  package let window: Int
  /// The number of first updates that are not clipped.
  package let warmup: Int
  /// Patterns of the names whose tensors' norm is meant; none: all.
  package let scope: [String]

  /// Makes a clip with these numbers; the percentile is the paper's by default.
  package init(
    percentile: Double = 10, window: Int = 1024, warmup: Int = 0, scope: [String] = []
  ) {
    self.percentile = percentile
    self.window = window
    self.warmup = warmup
    self.scope = scope
  }

  /// Memory for a window is taken at once.
  static let windows = HyperparameterRange.integer(atLeast: 2, atMost: 10_000_000)
  static let percentiles = HyperparameterRange.interval(0, 100)

  package func validate() throws {
    try Self.percentiles.check("autoclip", "percentile", percentile)
    try Self.windows.check("autoclip", "window", Double(window))
    try HyperparameterRange.integer(atLeast: 0).check("autoclip", "warmup", Double(warmup))
  }

  package func bind(to context: TransformContext) throws -> any BoundTransform {
    let scope = try ClipScope(scope, of: context.layout, owner: "autoclip")
    let history = NormHistory(window: window)
    let rule = self
    return BoundScaling(
      context, measure: .update(.two), scope: scope.chosen, history: history
    ) { measurements, factors in
      let value = measurements.norm(.update(.two), of: scope.chosen)
      let limit = history.percentile(rule.percentile, with: value)
      let clips = history.count >= rule.warmup && value > limit * (1 + normSlack)
      let coefficient = clips ? limit / value : nil
      scope.set(coefficient, in: &factors)
      return scope.clippedNorm(value, coefficient: coefficient, measurements, factors)
    }
  }
}

extension AutoClip {
  static let entry = Entry<any GradientTransform>(
    "autoClip", "limits the global norm to a percentile of the latest norms",
    [
      .with("percentile", .number(NumberRange(from: 0, to: 100)), 10, "of the norms, the limit"),
      .with("window", .integer(2...10_000_000), 1024, "the number of norms that count"),
      .with(
        "warmup", .count(from: 0), 0,
        "the steps before the first that is clipped"),
      .scope,
    ]
  ) { values in
    AutoClip(
      percentile: values["percentile"], window: values["window"], warmup: values["warmup"],
      scope: values["scope"])
  }
}

/// The latest norms, in a ring.
final class NormHistory: ClipHistory {
  private let ring: Arena<Double>
  private let counter = Arena<Int64>(count: 1)
  private let scratch: Arena<Double>
  private var pending = 0.0

  init(window: Int) {
    ring = Arena(count: window)
    scratch = Arena(count: window)
  }

  /// The number of norms ever taken in.
  var count: Int { Int(counter.base[0]) }

  var state: [StateEntry] {
    [
      StateEntry("autoClip.norms", .doubles(ring.buffer)),
      StateEntry("autoClip.count", .integers(counter.buffer)),
    ]
  }

  func commit() {
    ring.base[count % ring.count] = pending
    counter.base[0] += 1
  }

  /// The percentile, interpolated between neighbours, of the norms in the window when `norm` joins
  /// them.
  func percentile(_ percentile: Double, with norm: Double) -> Double {
    pending = norm
    let filled = min(count + 1, ring.count)
    scratch.base.update(from: ring.base, count: filled)
    scratch.base[count % ring.count] = norm
    let place = percentile / 100 * Double(filled - 1)
    let below = min(Int(place), filled - 1)
    select(below, of: filled)
    let low = scratch.base[below]
    guard below + 1 < filled, place > Double(below) else { return low }
    var high = scratch.base[below + 1]
    for index in below + 1..<filled { high = min(high, scratch.base[index]) }
    return low + (place - Double(below)) * (high - low)
  }

  /// Moves the k-th smallest of the first values to index k, smaller ones before it. (Hoare 1961,
  /// algorithm 65.)
  private func select(_ k: Int, of count: Int) {
    let values = scratch.buffer
    var low = 0
    var high = count - 1
    while low < high {
      let pivot = values[k]
      var i = low
      var j = high
      repeat {
        while values[i] < pivot { i += 1 }
        while pivot < values[j] { j -= 1 }
        if i <= j {
          values.swapAt(i, j)
          i += 1
          j -= 1
        }
      } while i <= j
      if j < k { low = i }
      if k < i { high = j }
    }
  }
}

extension GradientTransform where Self == Provided {
  /// Limits the global norm to a percentile of the norms seen so far: u = u · η / ‖u‖ where ‖u‖ > η.
  ///
  /// η is the percentile, linearly interpolated, of the norms of the last `window` updates, this one
  /// included. The paper keeps every norm; a window that the run does not outgrow is that. The first
  /// `warmup` updates are only recorded: a percentile of few norms says little. Steps that are
  /// skipped leave no trace. (Seetharaman et al. 2020, AutoClip.)
  ///
  /// - Parameters:
  ///   - percentile: the percentile of the norms so far that is the limit, 0 to 100.
  ///   - window: the number of norms that are remembered.
  ///   - warmup: the number of steps that are not clipped.
  ///   - scope: patterns of the names whose norm is meant; none: all.
  public static func autoClip(
    percentile: Double = 10, window: Int = 1024, warmup: Int = 0, scope: [String] = []
  ) -> some GradientTransform {
    AutoClip(percentile: percentile, window: window, warmup: warmup, scope: scope)
  }
}
