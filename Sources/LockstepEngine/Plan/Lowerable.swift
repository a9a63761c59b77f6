/// An operation that can be run: it knows the primitives and kernels it consists of.
protocol Lowerable {
  /// Emits the steps that compute the results of `site` from its inputs.
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws
}
