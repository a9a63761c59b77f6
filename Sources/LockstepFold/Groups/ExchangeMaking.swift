import LockstepCollective
import LockstepEngine

/// A group of ranks with a way of its own to fold gradients.
package protocol ExchangeMaking: HostedCollective {
  /// Makes the exchange of flat gradients that `plan` describes, which is for as many ranks. Every rank
  /// passes an equal plan.
  ///
  /// - Parameter source: what computes the gradients that are folded, so that the exchange may agree with
  ///   it on another form than partial sums; nil where all gradients are given as sums.
  func makeExchange(
    for plan: FoldPlan, of source: (any GradientSource)?
  ) throws -> any GradientExchange
}

extension Collective {
  /// Makes the exchange of flat gradients that `plan` describes: the group's own, or else one that
  /// gathers all ranks' sums on each. Every rank passes an equal plan.
  ///
  /// - Parameters:
  ///   - plan: who computes and adds what.
  ///   - source: what computes the gradients, where a step folds those of a source as it makes them; nil
  ///     where all gradients are given as sums.
  /// - Throws: ``ArgumentError`` where the plan is for another number of ranks; what the group throws.
  package func makeExchange(
    _ plan: FoldPlan, for source: (any GradientSource)? = nil
  ) throws -> any GradientExchange {
    guard plan.ranks == size else {
      throw ArgumentError("makeExchange", "plan.ranks", is: plan.ranks, expected: "\(size)")
    }
    if let group = self as? any ExchangeMaking {
      return try group.makeExchange(for: plan, of: source)
    }
    return size == 1 ? SoloExchange(plan) : GatheringExchange(plan, on: self)
  }
}
