from django.urls import path

from . import views

urlpatterns = [
    path('session/', views.session),
    path('session/up/', views.sign_up),
    path('session/in/', views.sign_in),
    path('session/out/', views.sign_out),
    path('tips/', views.tips),
    path('seeds/', views.seeds),
    path('seeds/<int:seed_id>/', views.seed),
]
