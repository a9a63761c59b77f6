import LockstepCollective
import LockstepFold

extension SharedMemoryExchange {
  /// The exchange that makes gradients of a source's factors where it can leave such, else this one.
  func makingProducts(
    of source: (any GradientSource)?, _ plan: FoldPlan, on collective: any Collective,
    _ makeArena: @escaping ArenaMaker
  ) -> any GradientExchange {
    SufficientFactorExchange(
      self, of: source, plan, on: collective,
      share: { [arenas] products in
        arenas.ranks.count > 1 ? try ProductQueue(products, plan, arenas, makeArena) : nil
      }, makeArena: makeArena) ?? self
  }
}

extension NodesExchange {
  /// The exchange that makes gradients of a source's factors where it can leave such, else this one.
  func makingProducts(
    of source: (any GradientSource)?, on collective: any Collective,
    _ makeArena: @escaping ArenaMaker
  ) -> any GradientExchange {
    SufficientFactorNodes(self, of: source, on: collective, makeArena) ?? self
  }
}
