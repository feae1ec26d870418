"""What each feature is worth to the classifiers in service, and what spoke for their last answers."""

from fastapi import APIRouter

from signal_system.api.port import ReadModel
from signal_system.api.routes.signals import CoinPath
from signal_system.api.schemas import FeatureImportances


def routes(read_model: ReadModel) -> APIRouter:
    """Return the routes that answer from `read_model`."""
    router = APIRouter(tags=["models"])

    @router.get("/api/v1/feature-importance")
    async def feature_importance() -> FeatureImportances:
        """Return what features are worth to every classifier in service."""
        return FeatureImportances(models=list(read_model.feature_importances()))

    @router.get("/api/v1/feature-importance/{coin}")
    async def feature_importance_of(coin: CoinPath) -> FeatureImportances:
        """Return the same of one coin: none, if no classifier of it is in service."""
        known = read_model.feature_importances()
        return FeatureImportances(models=[each for each in known if each.coin == coin])

    return router
